"""Reports and pages that the application writes."""
