"""The formats of the report: each made from the one page and the one set of frames."""
