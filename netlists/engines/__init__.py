"""Simulators that run circuits: one module for each, and a table of all."""
