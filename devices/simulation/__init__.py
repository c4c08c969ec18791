"""States over time: transients, pulses, constant voltages, switching times, stochastic switches."""
