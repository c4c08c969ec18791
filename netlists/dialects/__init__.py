"""Writers: the neutral circuit as text, one module for each simulator's dialect."""
