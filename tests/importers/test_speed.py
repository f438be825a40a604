"""Large files, and many of them, are read in a time that a person does not notice."""

from __future__ import annotations

import time

import numpy as np

from edgeq import importers
from edgeq.exporters.tflite import export_tflite
from edgeq.ir import DType, Graph, Node, QuantParams, Tensor
from edgeq.ops import find_op
from tests.ops.cases import cases_of, module_of
from tests.ops.one_op import write_model

LAYERS, WIDTH = 100, 512


def large() -> Graph:
    """A hundred dense layers of 512 by 512 weights, each with a scale per channel and a bias: 27 MB."""
    rng = np.random.default_rng(0)
    quant = QuantParams([0.02], [0])
    scales = QuantParams([0.001] * WIDTH, [0] * WIDTH, 0)
    bias_scales = QuantParams(quant.scale * scales.scale, [0] * WIDTH, 0)
    attrs = find_op("FULLY_CONNECTED").Attrs()
    tensors, nodes = [Tensor("x0", (1, WIDTH), DType.INT8, quant)], []
    for i in range(LAYERS):
        weights = rng.integers(-127, 128, (WIDTH, WIDTH)).astype(np.int8)
        tensors += [
            Tensor(f"w{i}", weights.shape, DType.INT8, scales, weights),
            Tensor(f"b{i}", (WIDTH,), DType.INT32, bias_scales, np.zeros(WIDTH, np.int32)),
            Tensor(f"x{i + 1}", (1, WIDTH), DType.INT8, quant),
        ]
        nodes.append(Node("FULLY_CONNECTED", (f"x{i}", f"w{i}", f"b{i}"), (f"x{i + 1}",), attrs, f"dense{i}"))
    return Graph("large", {t.name: t for t in tensors}, tuple(nodes), ("x0",), (f"x{LAYERS}",))


def test_25_megabytes_are_read_within_three_seconds(tmp_path):
    path = tmp_path / "large.tflite"
    path.write_bytes(export_tflite(large()))
    assert path.stat().st_size > 25_000_000
    start = time.perf_counter()
    graph = importers.load(path)
    assert time.perf_counter() - start < 3
    assert len(graph.nodes) == LAYERS


def test_the_thousandth_model_is_read_as_fast_as_the_first(tmp_path):
    (case,) = cases_of("CONV_2D", seed=1, count=1)
    path = tmp_path / "small.tflite"
    path.write_bytes(write_model(case.graph, module_of("CONV_2D").options))
    took = []
    for _ in range(1000):
        start = time.process_time()
        importers.load(path)
        took.append(time.process_time() - start)
    # the quickest of many: the first loads import modules, and other processes only ever add to a time
    assert min(took[-250:]) < 1.5 * min(took[:250])
