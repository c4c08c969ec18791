"""The comparison of a circuit solved here with the same circuit in a simulator."""
