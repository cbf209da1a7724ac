"""A database in a SQLite file: connections that lose nothing, permissions, locks. May import SQLAlchemy and Optuna."""
