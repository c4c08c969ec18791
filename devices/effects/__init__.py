"""Departures of real cells from their laws: variability, noise, retention, faults."""
