"""One file for each published model; the registry takes every module here that has ``MODELS``."""
