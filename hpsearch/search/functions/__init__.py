"""Functions of scripts as models: their files, and the spaces that Optuna's objectives suggest. May import spec."""
