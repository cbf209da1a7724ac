"""Sections on predictions for the test set: recall of each class, reliability, residuals."""
