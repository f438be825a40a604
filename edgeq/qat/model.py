"""The network as it will be deployed, as a Keras model whose forward pass rounds."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from edgeq.errors import ModelError, ProjectError, QuantizationError
from edgeq.exporters.tflite import export_tflite
from edgeq.importers import load
from edgeq.ir import DType, Graph, Node, frozen_array
from edgeq.lower import check_supported
from edgeq.ops.binary_inputs import TwoLevels
from edgeq.passes import prepare_float, prepare_quantized
from edgeq.qat import fake_quant as fq
from edgeq.qat import wide
from edgeq.qat.functions import FUNCTIONS, RAW_TIES
from edgeq.qat.starting import Start, first_computed, learned_activations, papers_start, start_of
from edgeq.qat.weights import LayerWeights
from edgeq.quant.calibration import Source, open_calibration, some_of
from edgeq.quant.evaluate import evaluate
from edgeq.quant.limits import insert_limits
from edgeq.quant.observers import Range
from edgeq.quant.quantize import calibrate, quantize_graph
from edgeq.quant.recipes import Recipe, choose_recipe
from edgeq.quant.tying import Tied, insert_requantize, rule_of, tied_activations

#: Share of a range that each training batch leaves as it was.
MOMENTUM = 0.99
#: Parts of a step that float32 arithmetic on a few integers is off at most.
_FLOAT32_DOUBT = 2.0**-12
#: Calibration vectors that the paper's first steps are computed from.
_FIRST_VECTORS = 256
#: Where learned steps may begin.
FIRST_STEPS = ("calibrated", "paper")


def prepare(
    model: keras.Model | Path | str,
    scheme: str | None = None,
    *,
    calibration: Source,
    recipe: Path | str | None = None,
    weight_bits: int | None = None,
    activation_bits: int | None = None,
    first_steps: str = "calibrated",
) -> QuantizedModel:
    """A Keras model that computes what the firmware will compute, to be compiled and fitted as any other.

    Args:
        model: a trained Keras model, or a file that `edgeq build` takes.
        scheme, recipe: as for `edgeq build`. With a scheme of learned steps ("lsq"), scales of weights and activations
            are trained; else activations keep the moving extremes of the training batches, and weights those of their
            channels (or, where the scheme chooses them in another way, the scales chosen now).
        calibration: typical inputs, for the first ranges.
        weight_bits, activation_bits: 2 to 8, instead of the scheme's; with "lsq" the network's ends keep 8.
        first_steps: where learned steps begin. "calibrated": at those of `edgeq build`, and the model computes from the
            start what that builds, corrected biases and adaptive rounding included. "paper": at 2⟨|v|⟩/√Q_P, of weights
            and of calibration data (Esser et al., "Learned Step Size Quantization", 2020), without either.

    Inputs and outputs are the model's, with the batch first. Float weights and biases are trained, batch normalization
    is part of them.

    Raises:
        ModelError: an operator cannot be trained through; all such are listed.
        CalibrationError, QuantizationError: as `edgeq build`.
    """
    graph = prepare_float(check_supported(_graph_of(model)))
    bits = {"weight_bits": weight_bits, "activation_bits": activation_bits}
    chosen = choose_recipe(scheme, None if recipe is None else Path(recipe), **bits).check(graph)
    if not chosen.calibrated:
        raise QuantizationError(
            f"scheme {chosen.name!r} has no ranges to train",
            where=graph.name,
            hint="train by another scheme, or build the float model by this one",
        )
    finer = [each.name for each in chosen.schemes if not each.weight.is_plain]
    if finer:
        raise QuantizationError(
            f"training knows no weights with zero points or blocks, as {finer[0]} has them",
            where=graph.name,
            hint="quantize the trained model by that scheme, with `edgeq build --calibration`",
        )
    if first_steps not in FIRST_STEPS:
        raise QuantizationError(f"unknown first steps {first_steps!r}", hint=f"known: {', '.join(FIRST_STEPS)}")
    graph = insert_requantize(graph, chosen)
    unknown = sorted({f"{node.op} ({node.loc})" for node in graph.nodes if node.op not in FUNCTIONS})
    if unknown or graph.states:
        raise ModelError(
            f"training through these operators is not supported: {', '.join(unknown) or 'a state across inferences'}",
            where=graph.name,
            hint="quantize the trained model with `edgeq build --calibration`",
        )
    if any(graph.tensors[name].shape[:1] != (1,) for name in (*graph.inputs, *graph.outputs)):
        raise ModelError("inputs and outputs need a batch dimension of 1 in front", where=graph.name)
    samples = open_calibration(calibration, graph)
    start = start_of(calibrate(graph, samples, chosen), chosen)
    if first_steps == "paper":
        values = evaluate(start.graph, some_of(graph, samples, _FIRST_VECTORS))
        start = papers_start(start, chosen, values)
    return QuantizedModel(start, chosen, name=f"{graph.name}_quantized")


def _graph_of(model: keras.Model | Path | str) -> Graph:
    if isinstance(model, (str, Path)):
        return load(Path(model))
    with tempfile.TemporaryDirectory(prefix="edgeq-qat-") as folder:
        path = Path(folder) / f"{model.name}.keras"
        model.save(path)
        return load(path)


@dataclass(frozen=True, eq=False)
class _Activations:
    """A class of tensors with one scale, and its variables: (low, high) of the range, or what the first step has been
    multiplied with."""

    tied: Tied
    learned: bool
    variables: tuple[Any, ...]
    first: float = 0.0
    zero_point: int = 0

    @property
    def step(self) -> Any:
        return fq.multiple(self.variables[0], self.first)


@dataclass(frozen=True, eq=False)
class _TwoLevels:
    """The two values that a layer takes its input for.

    Attributes:
        first: as training begins. factor: variable, what their step has been multiplied with.
        elements: of the input, for one vector.
    """

    first: TwoLevels
    factor: Any
    elements: float

    @property
    def step(self) -> Any:
        return fq.multiple(self.factor, self.first.step)

    def rounded(self, x: Any) -> Any:
        return fq.two_levels(x, self.step, self.first.zero, self.elements)

    def trained(self) -> TwoLevels:
        return replace(self.first, step=float(ops.convert_to_numpy(self.step)))


class QuantizedModel(keras.Model):
    """What `prepare` gives.

    Attributes:
        graph: the float network.
        kept_epoch: of `edgeq.qat.tune`, whose weights it has, from 1; 0 for those that training began with.
    """

    kept_epoch: int | None = None

    def __init__(self, start: Start, recipe: Recipe, **options: Any):
        super().__init__(**options)
        graph = start.graph
        self.graph, self.recipe = graph, recipe
        self._constants = {name: self._constant(name, start) for name in self._trained_names()}
        self._layers_weights = {
            node.inputs[rule_of(node).weight]: self._weights(node, start)
            for node in graph.nodes
            if rule_of(node).weight is not None
        }
        self._inputs = {name: self._two_levels(name, levels) for name, levels in start.levels.items()}
        learned = learned_activations(graph, recipe)
        self._classes = [
            self._activations(tied, start, learned[first_computed(graph, tied)])
            for tied in tied_activations(graph, recipe.activation_roles(graph))
        ]
        self._class_of = {name: each for each in self._classes for name in each.tied.members}
        self.built = True

    def _two_levels(self, name: str, levels: TwoLevels) -> _TwoLevels:
        """Of the layer with a result of that name."""
        factor = self._variable(1.0, f"{name}_levels", positive=True)
        layer = self.graph.producers()[name]
        return _TwoLevels(levels, factor, float(self.graph.tensors[layer.inputs[0]].size))

    def _trained_names(self) -> list[str]:
        names = dict.fromkeys(name for node in self.graph.nodes for name in node.inputs if name)
        tensors = self.graph.tensors
        return [name for name in names if tensors[name].is_constant and tensors[name].dtype is DType.FLOAT32]

    def _variable(self, value: Any, name: str, *, trainable: bool = True, positive: bool = False) -> Any:
        value = np.asarray(value, np.float32)
        return self.add_weight(
            shape=value.shape,
            initializer=lambda shape, dtype: ops.convert_to_tensor(value, dtype),
            trainable=trainable,
            constraint=fq.Positive() if positive else None,
            name=name.replace("/", "_").replace(":", "_"),
        )

    def _constant(self, name: str, start: Start) -> Any:
        return self._variable(start.constants.get(name, self.graph.tensors[name].data), name)

    def _weights(self, node: Node, start: Start) -> LayerWeights:
        def variable(value: Any, name: str) -> Any:
            return self._variable(value, name, positive=True)

        weights = self.graph.tensors[node.inputs[rule_of(node).weight]]
        return LayerWeights.of(node, weights, start.weights[node.outputs[0]], self.recipe.layer(node.loc), variable)

    def _activations(self, tied: Tied, start: Start, learned: bool) -> _Activations:
        name = tied.members[0]
        if tied.fixed is not None:
            return _Activations(tied, False, ())
        if learned:
            step, zero_point = start.activations[name].per_tensor
            return _Activations(tied, True, (self._variable(1.0, f"{name}_step", positive=True),), step, zero_point)
        seen = [start.ranges[member] for member in tied.members if member in start.ranges]
        low, high = min(0.0, *(r[0] for r in seen)), max(0.0, *(r[1] for r in seen))
        variables = [self._variable(v, f"{name}_{n}", trainable=False) for n, v in (("low", low), ("high", high))]
        return _Activations(tied, False, tuple(variables))

    def compile(self, *args: Any, jit_compile: bool | str = False, **options: Any) -> None:
        """As Keras's, but without XLA where it is not asked for: compiling rounding networks takes it longer than
        training small ones."""
        super().compile(*args, jit_compile=jit_compile, **options)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """In training, results that an operator fixes (probabilities) leave the network as they are: rounded to 0 they
        would have no gradient."""
        given = [inputs[name] for name in self.graph.inputs] if isinstance(inputs, Mapping) else inputs
        given = list(given) if isinstance(given, (list, tuple)) else [given]
        values: dict[str, Any] = {}
        for name, x in zip(self.graph.inputs, given, strict=True):
            values[name] = self._rounded(name, ops.cast(x, "float32"), training)
        for node in self.graph.nodes:
            operands = [self._operand(node, index, values) for index in range(len(node.inputs))]
            y = FUNCTIONS[node.op](self.graph, node, [x for x in operands if x is not None])
            if node.op in wide.TABULATED and self._is_wide(node):
                y = fq.straight_through(y, wide.TABULATED[node.op](operands[0], self._input_scale(node)))
            values[node.outputs[0]] = self._rounded(node.outputs[0], y, training, node)
        outputs = [values[name] for name in self.graph.outputs]
        return outputs[0] if len(outputs) == 1 else outputs

    def _operand(self, node: Node, index: int, values: Mapping[str, Any]) -> Any:
        """An operand's value; None for those that are no real numbers or absent."""
        name, rule = node.inputs[index], rule_of(node)
        if name in values:
            two = self._inputs.get(node.outputs[0])
            if rule.weight is not None and self._is_wide(node):
                scale = ops.cast(self._input_scale(node), "float64")
                return fq.round_through(ops.cast(values[name], "float64") / scale) * scale
            return values[name] if two is None else two.rounded(values[name])
        if name not in self._constants:
            return None
        if rule.weight is not None and index == rule.weight:
            w = self._layers_weights[name].rounded(self._constants[name])
            return self._in_double(node, w, self._weight_scale(name)) if self._is_wide(node) else w
        if rule.weight is not None and index == rule.bias:
            return self._rounded_bias(node, name)
        return self._rounded_constant(node, name)

    def _is_wide(self, node: Node) -> bool:
        """Whether its results are int16."""
        return self._class_of[node.outputs[0]].tied.role.dtype is DType.INT16

    def _per_channel(self, node: Node) -> tuple[int, ...]:
        """The shape in which one value per channel, or one for all, broadcasts against a layer's weights."""
        rule = rule_of(node)
        axis, rank = rule.weight_axis, len(self.graph.tensors[node.inputs[rule.weight]].shape)
        return tuple(-1 if a == axis else 1 for a in range(rank))

    def _in_double(self, node: Node, w: Any, scale: Any) -> Any:
        """The weights of an int16 layer in float64, in which its sums are exact, times what the firmware's factor is
        larger than it should be."""
        scale = ops.cast(scale, "float64")
        gain = ops.reshape(wide.gain(self._factor(node)), self._per_channel(node))
        return fq.round_through(ops.cast(w, "float64") / scale) * (scale * gain)

    def _factor(self, node: Node) -> Any:
        """What a layer's sums are multiplied with, (channels,) or (1,): the scales of its products to its result's."""
        dtype = "float64" if self._is_wide(node) else "float32"
        x, y = self._input_scale(node), self._parameters(self._class_of[node.outputs[0]])[0]
        w = ops.reshape(self._weight_scale(node.inputs[rule_of(node).weight]), (-1,))
        return ops.cast(x, dtype) * ops.cast(w, dtype) / ops.cast(y, dtype)

    def _weight_scale(self, name: str) -> Any:
        return self._layers_weights[name].scale(self._constants[name])

    def _rounded_bias(self, node: Node, name: str) -> Any:
        """A bias in steps of the input's scale times the weights', which are coarse where these are."""
        rule, scale = rule_of(node), self._input_scale(node)
        step = ops.stop_gradient(scale * ops.reshape(self._weight_scale(node.inputs[rule.weight]), (-1,)))
        integers = fq.round_through(self._constants[name] / step)
        if self._is_wide(node):
            factor = self._factor(node)
            result_scale = ops.cast(self._parameters(self._class_of[node.outputs[0]])[0], "float64")
            return ops.cast(integers, "float64") * (factor * wide.gain(factor) * result_scale)
        return integers * step

    def _input_scale(self, node: Node) -> Any:
        """Of what the layer's weights multiply."""
        if node.outputs[0] in self._inputs:
            return self._inputs[node.outputs[0]].step
        return self._parameters(self._class_of[node.inputs[rule_of(node).input]])[0]

    def _grain(self, node: Node | None) -> Any:
        """To which parts of a step results are rounded before they are rounded to whole ones; None: to none.

        Of a mean of integers that is what float32 may be off. Of sums it is what the first of two roundings leaves
        (`edgeq.fixedpoint.requantize`): times the mantissa of the factor between the scales, which is at least a half,
        the sum becomes whole; the exponent is left for the second. MEAN's factor contains the division. Sums of 64 bits
        are rounded once.
        """
        if node is not None and node.op in RAW_TIES:
            return _FLOAT32_DOUBT
        if node is None or (rule_of(node).weight is None and node.op != "MEAN"):
            return None
        if node.op == "MEAN":
            count = self.graph.tensors[node.inputs[0]].size // self.graph.tensors[node.outputs[0]].size
            ratio = self._input_scale(node) / self._parameters(self._class_of[node.outputs[0]])[0]
            exponent = ops.floor(ops.log2(ratio)) + 1 - (count.bit_length() - 1)
        elif self._is_wide(node):
            return None
        else:
            exponent = ops.floor(ops.log2(self._factor(node))) + 1
        return ops.stop_gradient(ops.power(2.0, ops.minimum(exponent, 0.0)))

    def _rounded_constant(self, node: Node, name: str) -> Any:
        """A constant operand such as a slope or an addend: its own extremes, or the scale of what it is tied to."""
        if name in self._class_of:
            return self._rounded(name, self._constants[name], False)
        x, role = self._constants[name], self.recipe.layer(node.loc).activation
        scale, zero_point = fq.affine(ops.min(x), ops.max(x), role.low, role.high, symmetric=role.symmetric)
        return fq.fake_quant(x, ops.stop_gradient(scale), ops.stop_gradient(zero_point), role.low, role.high)

    def _rounded(self, name: str, x: Any, training: bool, node: Node | None = None) -> Any:
        """float32 multiples of the scale; x has the precision that it was computed with."""
        each = self._class_of[name]
        how = {"grain": self._grain(node), "raw_ties": node is not None and node.op in RAW_TIES}
        role = each.tied.role
        if each.tied.fixed is not None and training and name in self.graph.outputs:
            return ops.cast(x, "float32")
        if each.learned:
            # values that share the step, of one vector: the gradient shall not depend on the batch
            elements = float(self.graph.tensors[name].size)
            step = ops.cast(each.step, x.dtype)
            y = fq.learned_step_quant(x, step, each.zero_point, *role.limits, elements, **how)
            return ops.cast(y, "float32")
        if each.tied.fixed is None and training:
            low, high = each.variables
            least, most = (ops.cast(ops.stop_gradient(end(x)), "float32") for end in (ops.min, ops.max))
            low.assign(MOMENTUM * low + (1 - MOMENTUM) * ops.minimum(least, 0.0))
            high.assign(MOMENTUM * high + (1 - MOMENTUM) * ops.maximum(most, 0.0))
        limits = role.limits if each.tied.fixed is None else role.dtype.range
        parameters = (ops.cast(value, x.dtype) for value in self._parameters(each))
        return ops.cast(fq.fake_quant(x, *parameters, *limits, **how), "float32")

    def _parameters(self, each: _Activations) -> tuple[Any, Any]:
        """(scale, zero point) of a class."""
        role = each.tied.role
        if each.tied.fixed is not None:
            scale, zero_point = each.tied.fixed.per_tensor
            return scale, float(zero_point)
        if each.learned:
            return each.step, float(each.zero_point)
        return fq.affine(*each.variables, role.low, role.high, symmetric=role.symmetric)

    def trained_ranges(self) -> dict[str, Range]:
        """(low, high) of every activation."""
        found: dict[str, Range] = {}
        for each in self._classes:
            role = each.tied.role
            if each.learned:
                step = float(ops.convert_to_numpy(each.step))
                limits = (step * (role.low - each.zero_point), step * (role.high - each.zero_point))
            else:
                limits = tuple(float(ops.convert_to_numpy(v)) for v in each.variables) or (0.0, 0.0)
            found.update(dict.fromkeys(each.tied.members, limits))
        return found

    def weight_scales(self) -> dict[str, np.ndarray]:
        """The scales of every layer's weights, float32 (channels,) or (1,), by the weights' name."""
        return {
            name: ops.convert_to_numpy(self._weight_scale(name)).reshape(-1).astype(np.float32)
            for name in self._layers_weights
        }

    def trained_levels(self) -> dict[str, TwoLevels]:
        """The two values of each binary input, by the name of the layer's result."""
        return {name: each.trained() for name, each in self._inputs.items()}

    def trained_graph(self) -> Graph:
        """The float graph with the trained weights, as the forward pass rounds them, and biases."""
        values = {
            name: self._layers_weights[name].rounded(variable) if name in self._layers_weights else variable
            for name, variable in self._constants.items()
        }
        constants = [
            replace(self.graph.tensors[name], data=frozen_array(ops.convert_to_numpy(value)))
            for name, value in values.items()
        ]
        return self.graph.rewrite(tensors=constants)


def integer_graph(model: QuantizedModel) -> Graph:
    """The trained network in integers, ready for `edgeq.build`.

    Raises:
        QuantizationError: not a model that `prepare` gave, or one that training drove to NaN or infinity.
    """
    if not isinstance(model, QuantizedModel):
        raise QuantizationError("this model was not prepared by edgeq.qat.prepare")
    for variable in model.weights:
        if not np.isfinite(ops.convert_to_numpy(variable)).all():
            raise QuantizationError(
                "training left NaN or infinite values", where=variable.name, hint="train with a lower learning rate"
            )
    graph = model.trained_graph()
    found = (model.trained_ranges(), model.recipe, model.weight_scales(), model.trained_levels())
    quantized = quantize_graph(graph, *found)
    return prepare_quantized(insert_limits(graph, quantized, model.recipe))


def save(model: QuantizedModel, path: Path | str) -> None:
    """Writes the trained integers as a `.tflite` file, whose parameters `edgeq build` keeps.

    Raises:
        QuantizationError: as `integer_graph`. ProjectError: the file cannot be written.
    """
    data = export_tflite(integer_graph(model))
    try:
        Path(path).write_bytes(data)
    except OSError as error:
        raise ProjectError(f"cannot write: {error.strerror}", where=str(path)) from None
