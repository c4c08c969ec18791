"""Machine code for the laws of a model, from its declaration."""
