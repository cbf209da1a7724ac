"""Figures of how a study went. May import NumPy, and the sections whose numbers they draw."""
