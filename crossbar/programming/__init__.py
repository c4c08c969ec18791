"""Programming an array by pulses: selection schemes, pulses, and write-verify."""
