"""A zoo of real ONNX exports: tiny models of many families through many exporters (see README.md)."""
