"""Samplers: what gives the configurations of a stage their values. May import spec, NumPy and Optuna."""
