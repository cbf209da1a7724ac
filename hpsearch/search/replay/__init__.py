"""Replays of a search on learning curves that are there already: `hpsearch replay`, and benchmarks/pruners.py.

Nothing is trained. One file for each part: the curves, the choosers, one search, many searches, a study's stages.
"""
