"""Every figure of the performance page, measured against named peers: ``python -m benchmarks``."""
