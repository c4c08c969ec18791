"""Many random circuits in both worlds: drawn from a seed, run side by side, kept in a table, shrunk where they fail."""
