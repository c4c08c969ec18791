"""What real cells do besides their laws: variability, noise, retention, faults."""
