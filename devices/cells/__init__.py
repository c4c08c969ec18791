"""Cells of arrays: the protocol that they follow, devices, and two devices in series."""
