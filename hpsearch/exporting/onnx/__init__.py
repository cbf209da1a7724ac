"""A trained model as an ONNX graph, with all that is done to samples before it. May import onnx, skl2onnx, PyTorch."""
