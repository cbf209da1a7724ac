"""Exports of trained models and trials: arrays, a classifier, ONNX, MLflow, TensorBoard. Writes no database of ours.

May import NumPy, scikit-learn and all packages below; the library of a format only when it is written.
"""
