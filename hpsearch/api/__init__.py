"""Python's way in: studies built, run and read in a script or a notebook; the command line is written on it.

The names that users need are those of `hpsearch` itself. May import all packages but the command line.
"""
