"""States over time: waveforms, pulses, constant voltages, stochastic switches."""
