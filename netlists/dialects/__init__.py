"""Netlists of a circuit, one module for each dialect, and readers of the texts of others."""
