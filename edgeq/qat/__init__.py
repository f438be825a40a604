"""Quantization-aware training: a Keras model that rounds in its forward pass as the firmware will.

    model = edgeq.qat.tune(trained, "lsq4", x=x, y=y, calibration="calibration.npz")    # a classifier, in one call
    edgeq.qat.save(model, "trained.tflite")     # `edgeq build trained.tflite` keeps the trained integers

or, with a loss, data and callbacks of your own:

    model = edgeq.qat.prepare(trained, "int8x4", calibration="calibration.npz")
    model.compile(...)
    model.fit(...)                              # as usual; gradients pass straight through the rounding
    edgeq.build(edgeq.qat.integer_graph(model), "nucleo-f446re")

Schemes of ternary and binary weights, and of binary inputs ("ternary", "binary", "xnor"), are made for this.

Needs Keras 3. Batch normalization is folded before training, as it will be deployed. What is prepared computes what
`edgeq build` makes of the trained model: training begins there.
"""

from edgeq.qat.model import QuantizedModel, integer_graph, prepare, save
from edgeq.qat.tuning import EPOCHS, VALIDATION, KeepBest, split, tune

__all__ = ["EPOCHS", "VALIDATION", "KeepBest", "QuantizedModel", "integer_graph", "prepare", "save", "split", "tune"]
