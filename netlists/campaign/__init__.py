"""Many random circuits, solved here and in simulators: drawn from a seed, compared, and shrunk where they fail."""
