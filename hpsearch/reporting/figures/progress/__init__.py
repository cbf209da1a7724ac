"""Figures of how a study went. May import matplotlib, and the sections whose numbers they draw."""
