"""Trained networks whose products are computed by arrays."""
