"""What to do about operators that cannot be computed, by their names."""

from __future__ import annotations

from collections.abc import Iterable

_BOXES = "end the model at the boxes and scores, and choose among them in your own code"
_OPEN = "results of a size that depends on the data have no place in planned memory"
_UNROLL = (
    "firmware has no control flow: give edgeq the .keras file, where recurrent layers are whole; or convert the model "
    "with a batch of 1 and a fixed length, so that they become single operators; or unroll its loops"
)
_GENERAL = "`edgeq inspect` shows the whole model; replace these layers by supported ones"
# by the beginning of an operator's name, the longest that fits
_WAYS_OUT = {
    "CUSTOM:Flex": "Flex operators are TensorFlow's: convert with TFLITE_BUILTINS alone, from layers that it knows",
    "CUSTOM:TFLite_Detection_PostProcess": _BOXES,
    "CUSTOM:": "the code of custom operators is not in the file: write them with TFLite's own operators",
    "ADD_N": "sums of three and more tensors: add them two by two, so that each sum has a scale",
    "CALL": "convert the model with its functions inlined",
    "IF": "choose the branch when converting, or compute both and pick one with a select (tf.where)",
    "WHILE": _UNROLL,
    "STABLEHLO_WHILE": _UNROLL,
    "CONV_3D": "volumes are not supported: fold one axis into the channels",
    "NON_MAX_SUPPRESSION": _BOXES,
    "HASHTABLE": "look words up before the model, and give it their numbers",
    "POW": "powers are computed for one constant exponent",
    "RFFT2D": "compute spectra before the model",
    "UNIQUE": _OPEN,
    "WHERE": _OPEN,
}


def ways_out(operators: Iterable[str]) -> str:
    """A hint for unsupported operators: a clause for each kind, then what always helps."""
    found: list[str] = []
    for name in operators:
        fitting = [start for start in _WAYS_OUT if name.startswith(start)]
        if fitting and _WAYS_OUT[max(fitting, key=len)] not in found:
            found.append(_WAYS_OUT[max(fitting, key=len)])
    return "; ".join([*found, _GENERAL])
