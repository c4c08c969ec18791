"""Writers: a neutral circuit as text in each simulator's language."""
