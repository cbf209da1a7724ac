"""Axes, their layout, and the SVG of figures: a page is drawn without matplotlib. May import NumPy."""
