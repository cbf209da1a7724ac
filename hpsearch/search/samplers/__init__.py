"""Samplers: they choose the configurations of a stage. One file per kind; `factory.py` lists them.

May import spec, NumPy and Optuna.
"""
