"""The database: the only writer of it, and what others may ask. Optuna's tables and ours, changed together."""

DEFAULT_URL = "sqlite:///studies/hpsearch.db"
"""The database of a workspace, unless --storage names another."""

STORAGE_VARIABLE = "HPSEARCH_STORAGE"
"""Of the environment: the database where --storage names none."""

REPORTS_PATH = "/hpsearch/report/"
"""Where `hpsearch dashboard` serves the report of the study that is named after it; its notes lead there."""
