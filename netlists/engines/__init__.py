"""Runners: a circuit through a simulator, back as arrays."""
