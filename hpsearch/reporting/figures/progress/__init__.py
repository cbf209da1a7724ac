"""Figures of how a study went. May import the sections whose numbers they draw."""
