"""Engines: how a circuit is run, one module for each simulator."""
