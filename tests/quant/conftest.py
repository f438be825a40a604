"""Imports the interpreters before Keras imports TensorFlow: the other way round, tflite-runtime crashes."""

from tests.ops import one_op  # noqa: F401
