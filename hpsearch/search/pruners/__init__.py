"""Pruners: which configurations of a stage train on, decided at rungs. May import spec."""
