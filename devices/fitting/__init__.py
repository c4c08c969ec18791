"""Fits: parameters of device models and retention laws from measured data."""
