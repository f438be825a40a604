"""Calibration, quantization schemes (data), and the algorithms that choose parameters."""
