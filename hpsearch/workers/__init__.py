"""Workers: a pure function that trains a segment, and the pools that run it."""
