"""What a case's results have to be, by a witness that is not ours.

That is TFLite 2.14's interpreter, unless the operator's case module says otherwise:

    LITERT_ONLY            formats that TFLite 2.14 lacks or computes wrongly; LiteRT's interpreter is the witness
    expected(case)         no interpreter has such a kernel: the results, computed in another way than ours; None where
                           one has
    interprets_int4(case) whether an interpreter takes the case's int4 weights; where it does not, the same weights as
                           int8 are what it is given
"""

from __future__ import annotations

import numpy as np

from .cases import module_of
from .formats import with_int8_weights
from .graphs import Case
from .one_op import run_litert, run_tflite, write_model


def model_of(case: Case) -> bytes:
    return write_model(case.graph, module_of(case.op).options)


def witness(case: Case, model: bytes | None = None, *, litert: bool = False) -> list[np.ndarray]:
    """The results for the case's inputs, of its graph or of `model`, which should compute the same."""
    module = module_of(case.op)
    expected = module.expected(case) if hasattr(module, "expected") else None
    if expected is not None:
        return expected
    if not getattr(module, "interprets_int4", lambda case: True)(case):
        case, model = with_int8_weights(case), None
    types = {t.dtype.value for t in case.graph.tensors.values()}
    run = run_litert if litert or any(t.value in types for t in getattr(module, "LITERT_ONLY", ())) else run_tflite
    return run(model_of(case) if model is None else model, case.inputs)
