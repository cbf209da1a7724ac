"""Workers: a pure function over segments, and the pools that run it."""
