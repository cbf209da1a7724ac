"""Readers of datasets: one file for each kind of source.

May import NumPy, and `hpsearch.data.dataset` and its neighbours.
"""
