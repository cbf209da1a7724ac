"""hpsearch: hyperparameter search for small networks: exact, resumable, and honest about chance."""

__version__ = "0.1.0"
