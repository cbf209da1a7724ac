"""Optuna's own tables, kept in step with ours, so that Optuna and optuna-dashboard show a study. May import Optuna."""
