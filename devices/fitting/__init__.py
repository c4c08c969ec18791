"""From measured data to parameters."""
