"""The pages that the application writes."""
