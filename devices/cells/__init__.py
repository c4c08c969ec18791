"""What arrays ask a cell for: devices, and two devices in series."""
