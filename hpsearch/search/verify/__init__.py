"""Verification of a stored study. May import data, spec, storage and workers."""
