"""Finished models and trials for others to use: arrays, a classifier, ONNX, MLflow, TensorBoard. Writes no database.

May import NumPy, scikit-learn and all packages but the command line; each format's library only where it is written.
"""
