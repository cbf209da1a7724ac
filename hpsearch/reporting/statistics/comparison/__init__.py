"""All configurations of a table compared with the best: samples and seeds both vary. May import NumPy and SciPy."""
