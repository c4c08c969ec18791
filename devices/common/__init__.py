"""Shared by all four packages: exceptions, checks, files, tables, threads, plots, compilation."""
