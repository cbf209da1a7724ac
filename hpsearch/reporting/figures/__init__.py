"""The figures of the report, one file each. May import matplotlib, and the sections whose numbers they draw."""
