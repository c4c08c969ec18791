"""Programming an array by pulses: how lines are selected, what pulses do, and write-verify."""
