"""The application: command line, main job, report and doctor. Imports the three packages; nothing imports it."""

from __future__ import annotations

from importlib.metadata import version

__version__ = version("memductance")
