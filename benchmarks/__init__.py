"""Benchmarks against other programs, for docs/performance.md: ``python -m benchmarks``."""
