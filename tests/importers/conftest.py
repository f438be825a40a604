"""Small Keras models, each built once per session."""

from __future__ import annotations

import functools
import os

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def _conv_stack(keras, layers):
    """The everyday image classifier."""
    return keras.Sequential(
        [
            keras.Input((13, 11, 3)),
            layers.Rescaling(1 / 127.5, offset=-1),
            layers.Conv2D(8, (3, 5), strides=2, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.DepthwiseConv2D(3, depth_multiplier=2, padding="valid", activation="relu6"),
            layers.Conv2D(6, 2, dilation_rate=2, groups=2),
            layers.MaxPooling2D((2, 1), padding="same"),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(5, activation="softmax"),
        ]
    )


def _separable(keras, layers):
    x = keras.Input((9, 9, 4))
    y = layers.ZeroPadding2D(((1, 2), (0, 1)))(x)
    y = layers.SeparableConv2D(6, 3, depth_multiplier=2, padding="same", activation="relu")(y)
    y = layers.AveragePooling2D(3, strides=2, padding="same")(y)
    y = layers.BatchNormalization(scale=False)(y)
    return keras.Model(x, [layers.GlobalAveragePooling2D(keepdims=True)(y), layers.GlobalMaxPooling2D()(y)])


def _one_dimensional(keras, layers):
    return keras.Sequential(
        [
            keras.Input((20, 4)),
            layers.ZeroPadding1D((1, 2)),
            layers.Conv1D(6, 3, padding="causal", dilation_rate=2),
            layers.BatchNormalization(center=False),
            layers.Activation("relu"),
            layers.DepthwiseConv1D(3, padding="same"),
            layers.SeparableConv1D(8, 3, strides=2, activation="sigmoid"),
            layers.MaxPooling1D(2),
            layers.AveragePooling1D(2, padding="same"),
            layers.SpatialDropout1D(0.2),
            layers.Dense(5, activation="tanh"),
            layers.GlobalAveragePooling1D(),
            layers.Reshape((5, 1)),
            layers.GlobalMaxPooling1D(keepdims=True),
        ]
    )


def _nested_and_shared(keras, layers):
    """Two inputs, two outputs, a model used twice, a model with two results, a layer used twice."""
    shared = keras.Sequential([layers.Dense(5, activation="relu"), layers.BatchNormalization()], name="shared")
    a, b = keras.Input((4,), name="left"), keras.Input((4,), name="right")
    x, y = shared(a), shared(b)
    inner_input = keras.Input((5,))
    inner_layer = layers.Dense(5, name="twice")
    inner = keras.Model(
        inner_input, [inner_layer(inner_layer(inner_input)), layers.Dense(3)(inner_input)], name="inner"
    )
    p, q = inner(layers.Add()([x, y]))
    r, s = inner(layers.Subtract()([x, y]))
    joined = layers.Concatenate()([layers.Multiply()([p, r]), layers.Average()([q, s]), q])
    return keras.Model([a, b], [layers.Dense(2)(joined), layers.Softmax()(q)])


def _frozen_backbone(keras, layers):
    """The trainable flag decides in which order a `.h5` keeps a nested model's weights."""
    body = keras.Sequential([keras.Input((6, 6, 2)), layers.Conv2D(3, 3), layers.BatchNormalization()], name="body")
    body.layers[0].trainable = False
    return keras.Sequential([keras.Input((6, 6, 2)), body, layers.Flatten(), layers.Dense(2)])


def _nested_outputs(keras, layers):
    """Nested models whose results are the model's own: their calls are counted differently there."""
    x = keras.Input((4,))
    inner_input = keras.Input((4,))
    inner = keras.Model(inner_input, [layers.Dense(3)(inner_input), layers.Dense(2)(inner_input)], name="inner")
    tail = keras.Sequential([keras.Input((3,)), layers.Dense(2)], name="tail")
    a, b = inner(x)
    c, d = inner(layers.Dense(4)(x))
    return keras.Model(x, [tail(a), b, c, d, tail(c)])


def _gates(keras, layers):
    x = keras.Input((7,))
    return keras.Model(
        x, [layers.Activation(name)(x) for name in ("silu", "hard_sigmoid", "hard_silu", "linear", "relu6")]
    )


def _bends(keras, layers):
    """Activations of every kind, as layers and within layers, and images that are cut, turned and enlarged."""
    x = keras.Input((6, 8, 4))
    y = layers.Normalization(mean=[0.5, -20.0, 10.0, 0.0], variance=[1e3, 400.0, 2e3, 9e2])(x)
    y = layers.Conv2D(5, 3, activation="gelu", padding="same")(y)
    y = layers.PReLU(shared_axes=[1, 2])(layers.Conv2D(4, 1)(y))
    y = layers.UpSampling2D((3, 2))(layers.Cropping2D(((1, 2), (0, 1)))(y))
    y = layers.LeakyReLU(0.25)(layers.DepthwiseConv2D(3, activation="elu")(y))
    y = layers.Permute((2, 1, 3))(layers.UpSampling2D(2, interpolation="bilinear")(y))
    y = layers.ReLU(max_value=1)(y)
    return keras.Model(x, [layers.PReLU()(y), layers.Conv2D(2, 3, activation="leaky_relu")(y)])


def _bent_sequences(keras, layers):
    x = keras.Input((5,))
    y = layers.RepeatVector(6)(layers.Dense(4, activation="elu")(x))
    y = layers.UpSampling1D(3)(layers.Cropping1D((1, 2))(layers.Conv1D(3, 1, activation="gelu")(y)))
    z = layers.Maximum()([y, layers.ReLU(negative_slope=0.5)(y), layers.ELU()(y)])
    return keras.Model(x, [layers.Minimum()([y, z]), layers.Activation("exponential")(y)])


def _transposed(keras, layers):
    """Images and sequences that grow, by windows that overlap and that leave gaps."""
    x = keras.Input((4, 5, 3))
    y = layers.Conv2DTranspose(4, 3, strides=2, padding="same", activation="relu")(x)
    y = layers.Conv2DTranspose(2, (2, 3), strides=(3, 1))(y)
    z = layers.Conv2DTranspose(2, 3, strides=(2, 3), padding="same", output_padding=(1, 0))(x)
    s = layers.Reshape((5, 12))(x)
    s = layers.Conv1DTranspose(3, 4, strides=3, activation="tanh")(s)
    return keras.Model(x, [y, z, layers.Conv1DTranspose(2, 3, padding="same", use_bias=False)(s)])


def _attention(keras, layers):
    """A transformer's parts: self and cross attention, also causal, and what normalizes rows."""
    x, other = keras.Input((5, 8)), keras.Input((7, 6))
    y = layers.LayerNormalization()(x)
    y = layers.Add()([x, layers.MultiHeadAttention(2, 4)(y, y)])
    y = layers.MultiHeadAttention(3, 2, value_dim=5, use_bias=False)(y, other, key=layers.Dense(4)(other))
    y = layers.MultiHeadAttention(1, 3, output_shape=6)(y, y, use_causal_mask=True)
    y = layers.LayerNormalization(epsilon=0.1, center=False)(y)
    y = layers.EinsumDense("abc,cde->abde", output_shape=(None, 2, 3), bias_axes="e", activation="relu")(y)
    y = layers.EinsumDense("abcd,cde->abe", output_shape=(None, 4))(y)
    z = layers.Attention()([y, y])
    return keras.Model(
        [x, other],
        [
            layers.LayerNormalization(axis=(1, 2), scale=False)(x),
            layers.UnitNormalization()(z),
        ],
    )


def _recurrent(keras, layers):
    """Every kind of layer, in each direction, with every way to merge them."""
    x = keras.Input((5, 4))
    y = layers.LSTM(6, return_sequences=True)(x)
    y = layers.Bidirectional(layers.GRU(4, return_sequences=True), merge_mode="ave")(y)
    y = layers.TimeDistributed(layers.Dense(5, activation="relu"))(y)
    y = layers.SimpleRNN(6, return_sequences=True, go_backwards=True)(y)
    modes = [layers.Bidirectional(layers.LSTM(3), merge_mode=mode)(y) for mode in ("concat", "sum", "mul", None)]
    other = layers.GRU(3, go_backwards=True)
    mixed = layers.Bidirectional(layers.LSTM(3, use_bias=False), backward_layer=other)(y)
    return keras.Model(x, [*modes[:3], *modes[3], mixed, layers.GRU(5, reset_after=False)(y)])


def _recurrent_states(keras, layers):
    """States that one layer hands to another, of the same kind, of a dense layer, and out of the model."""
    x, z = keras.Input((5, 4)), keras.Input((3, 4))
    _, h, c = layers.LSTM(6, return_state=True)(x)
    y = layers.LSTM(6, return_sequences=True)(z, initial_state=[h, c])
    _, g = layers.GRU(6, return_state=True, dropout=0.2, recurrent_dropout=0.1)(x)
    first = layers.Dense(6, activation="tanh")(layers.Concatenate()([g, h]))
    images = layers.Reshape((3, 2, 2, 1))(z)
    images = layers.TimeDistributed(layers.Conv2D(4, 2))(images)
    return keras.Model(
        [x, z],
        [
            y,
            c,
            layers.GRU(6)(z, initial_state=first),
            layers.GRU(6)(z, initial_state=g),
            layers.TimeDistributed(layers.Flatten())(images),
            *layers.Bidirectional(layers.SimpleRNN(3, return_state=True))(x)[1:],
        ],
    )


def _streaming(keras, layers):
    """Layers whose states live from call to call."""
    x = keras.Input(batch_shape=(1, 2, 4))
    y = layers.LSTM(6, stateful=True, return_sequences=True)(x)
    y = layers.Bidirectional(layers.SimpleRNN(3, stateful=True, return_sequences=True))(y)
    return keras.Model(x, layers.Dense(3)(layers.GRU(5, stateful=True)(y)))


MODELS = {
    f.__name__.strip("_"): f
    for f in (
        _conv_stack,
        _separable,
        _one_dimensional,
        _nested_and_shared,
        _frozen_backbone,
        _nested_outputs,
        _gates,
        _bends,
        _bent_sequences,
        _transposed,
        _attention,
        _recurrent,
        _recurrent_states,
    )
}
STATEFUL = {"streaming": _streaming}


@pytest.fixture(scope="session")
def keras():
    return pytest.importorskip("keras")


@pytest.fixture(scope="session")
def built(keras, tmp_path_factory):
    """name → (Keras model with random weights, folder with model.keras and model.h5)."""

    @functools.cache
    def make(name: str):
        keras.utils.clear_session()  # names are counted anew: the same in every order of tests
        keras.utils.set_random_seed(7)
        model = {**MODELS, **STATEFUL}[name](keras, keras.layers)
        rng = np.random.default_rng(11)
        for layer in model._flatten_layers():
            if isinstance(layer, keras.layers.BatchNormalization):
                # fresh statistics are ones and zeros, which would hide mistakes
                layer.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])
            elif isinstance(layer, keras.layers.PReLU):
                layer.alpha.assign(rng.uniform(-0.5, 1.5, layer.alpha.shape))  # fresh slopes are zeros
            elif isinstance(layer, keras.layers.RNN):
                for weight in layer.trainable_weights:
                    weight.assign(weight + rng.normal(0.0, 0.2, weight.shape))
            elif getattr(layer, "bias", None) is not None:
                layer.bias.assign(rng.normal(size=layer.bias.shape))
        folder = tmp_path_factory.mktemp(name)
        model.save(folder / "model.keras")
        model.save(folder / "model.h5")
        return model, folder

    return make
