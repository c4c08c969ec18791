"""The circuits around an array: input encodings with their DACs, and ADCs."""
