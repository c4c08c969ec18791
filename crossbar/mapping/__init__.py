"""Weights to conductances and back: pure arithmetic, which knows no arrays."""
