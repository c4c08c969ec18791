"""Evaluations over labelled axes and trials, independent of arrays."""
