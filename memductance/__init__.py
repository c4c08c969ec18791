"""The application: command line, demo, reports and doctor. Imports the three packages; nothing imports it."""

from __future__ import annotations

from importlib.metadata import version

__version__ = version("memductance")
