"""Weights to conductances and back: pure arithmetic, without arrays."""
