"""From a declaration to machine code."""
