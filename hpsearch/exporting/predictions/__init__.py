"""Predictions of a trained model: from a table to an array, from outputs to labels, file by file."""
