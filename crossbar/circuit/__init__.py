"""The array solver: Kirchhoff's equations of a crossbar with wires, solved fast and solved plainly."""
