"""Whether a stored study is what it says it is. May import data, spec, storage and workers."""
