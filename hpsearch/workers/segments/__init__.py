"""A segment, the unit of work: its types, its training, its results. May import nn, data, spec and models."""
