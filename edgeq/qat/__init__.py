"""Quantization-aware training: a Keras model that rounds in its forward pass as the firmware will.

    model = edgeq.qat.prepare(trained, "int8x4", calibration="calibration.npz")
    model.compile(...)
    model.fit(...)                              # as usual; gradients pass straight through the rounding
    edgeq.qat.save(model, "trained.tflite")     # `edgeq build trained.tflite` keeps the trained integers
    edgeq.build(edgeq.qat.integer_graph(model), "nucleo-f446re")

Schemes of ternary and binary weights, and of binary inputs ("ternary", "binary", "xnor"), are made for this. No
`.tflite` file holds binary inputs: build these from the graph.

Needs Keras 3. Batch normalization is folded before training, as it will be deployed.
"""

from edgeq.qat.model import QuantizedModel, integer_graph, prepare, save

__all__ = ["QuantizedModel", "integer_graph", "prepare", "save"]
