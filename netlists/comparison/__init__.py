"""The same circuit here and in a simulator, compared."""
