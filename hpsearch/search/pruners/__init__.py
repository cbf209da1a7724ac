"""Pruners: they decide at rungs which configurations of a stage train on. One file per rule; `factory.py` lists them.

May import spec.
"""
