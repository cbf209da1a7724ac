"""Where datasets come from: one file for each kind of source.

May import NumPy, and `hpsearch.data.dataset` and its neighbours.
"""
