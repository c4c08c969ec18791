"""Circuit solvers: Kirchhoff's equations of a crossbar with its wires, fast and as a sparse reference."""
