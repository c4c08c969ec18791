"""Evaluations over labelled axes and trials; they know no arrays."""
