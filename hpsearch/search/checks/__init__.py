"""What is checked of a study before it is stored, beside its file. May import spec, data and workers."""
