"""Effects of real cells beyond the laws of their models: variability, noise, retention, faults."""
