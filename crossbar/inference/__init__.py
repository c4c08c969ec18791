"""Trained networks on arrays."""
