"""The database: the only writer of it, and what others may ask. Optuna's tables and ours, changed together."""
