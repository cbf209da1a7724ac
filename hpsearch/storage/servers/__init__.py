"""Databases on servers: one file for each kind of server, and what they share. May import SQLAlchemy and Optuna."""
