"""The Python API: build, run and load studies in a script or a notebook. The command line uses it too.

The public names are those of `hpsearch` itself. May import all packages but the command line.
"""
