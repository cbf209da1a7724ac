"""The formats of a report. A new one is a file here with a function `files`, and a line in `registry.FORMATS`."""
