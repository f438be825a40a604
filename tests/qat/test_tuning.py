"""Training a classifier on: what it learns from, and that it does not fall below its start."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from edgeq import qat
from edgeq.errors import QuantizationError
from edgeq.qat import tuning

from .test_every_scheme import model_of, vectors_for

pytestmark = pytest.mark.xdist_group("qat-schemes")
CLASSES = 3


def test_a_share_of_each_class_validates():
    y = np.repeat([0, 1, 2], [50, 20, 5])
    trained, kept = tuning.split(y, 0.2, seed=1)
    assert sorted([*trained, *kept]) == list(range(75))
    assert np.bincount(y[kept]).tolist() == [10, 4, 1]
    np.testing.assert_array_equal(kept, tuning.split(y, 0.2, seed=1)[1])
    assert not np.array_equal(kept, tuning.split(y, 0.2, seed=2)[1])


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, 0.01])
def test_a_share_that_leaves_nothing_is_refused(share):
    with pytest.raises(QuantizationError, match="share"):
        tuning.split(np.repeat([0, 1], 20), share, seed=1)


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def test_the_loss_is_that_of_labels_and_of_softened_answers():
    rng = np.random.default_rng(0)
    logits, teachers = rng.normal(size=(2, 6, CLASSES))
    labels = np.eye(CLASSES)[rng.integers(0, CLASSES, 6)]
    targets = np.stack([labels, softmax(teachers)], axis=1).astype(np.float32)
    t, share = tuning.TEMPERATURE, tuning.TEACHER
    exact = -(labels * np.log(softmax(logits))).sum(axis=1)
    soft = -(softmax(teachers / t) * np.log(softmax(logits / t))).sum(axis=1)
    found = np.asarray(tuning.distillation(targets, softmax(logits).astype(np.float32)))
    np.testing.assert_allclose(found, (1 - share) * exact + share * t**2 * soft, rtol=1e-5)


class Fixed(keras.Model):
    """Answers with its weights, a row of probabilities for each vector, which is the row's number."""

    def __init__(self, answers: np.ndarray):
        super().__init__()
        self.answers = self.add_weight(shape=answers.shape, name="answers")
        self.answers.assign(answers)
        self.built = True

    def call(self, x):
        return keras.ops.take(self.answers, keras.ops.cast(x, "int32"), axis=0)


def answers(right: int, of: int, sure: float) -> np.ndarray:
    """Probabilities of two classes: `right` rows say class 0 with that share, the others say 1."""
    return np.array([[sure, 1 - sure] if row < right else [1 - sure, sure] for row in range(of)], np.float32)


def kept(start: np.ndarray, *epochs: np.ndarray) -> tuple[int, qat.KeepBest]:
    """The epoch whose weights remain; the float model is sure of class 0 by 0.9 everywhere, and right."""
    model, places = Fixed(start), np.arange(len(start))
    best = qat.KeepBest(places, np.zeros(len(start), int), answers(len(start), len(start), 0.9))
    best.set_model(model)
    best.on_train_begin()
    for number, each in enumerate(epochs):
        model.answers.assign(each)
        best.on_epoch_end(number)
    best.on_train_end()
    np.testing.assert_array_equal(np.asarray(model.answers), (start, *epochs)[best.epoch])
    return best.epoch, best


def test_worse_epochs_leave_the_start():
    epoch, best = kept(answers(18, 20, 0.8), answers(17, 20, 0.9), answers(10, 20, 0.9))
    assert epoch == 0 and best.right == [0.9, 0.85, 0.5]


def test_the_epoch_nearest_to_the_float_model_is_kept():
    assert kept(answers(10, 20, 0.9), answers(20, 20, 0.6), answers(20, 20, 0.85), answers(20, 20, 0.7))[0] == 2


def test_the_start_gives_way_to_as_many_right_answers_where_all_of_them_are_nearer_to_the_float_models():
    assert kept(answers(20, 20, 0.7), answers(20, 20, 0.85))[0] == 1


def test_the_start_does_not_give_way_to_what_chance_explains():
    start = answers(20, 20, 0.8)
    nearer_on_one = start.copy()
    nearer_on_one[0] = [0.9, 0.1]
    nearer_on_one[1] = [0.79, 0.21]
    assert kept(start, nearer_on_one)[0] == 0


def test_the_start_gives_way_to_more_right_answers_than_chance_explains():
    start = answers(10, 20, 0.9)
    one_more, many_more = answers(11, 20, 0.9), answers(16, 20, 0.9)
    assert kept(start, one_more)[0] == 0
    assert kept(start, one_more, many_more)[0] == 2


def test_what_does_not_fit_is_refused():
    x = vectors_for("cnn", 30, seed=1)
    y = np.arange(30) % 5
    calibration = {"x": x}
    for data, match in (
        ({"x": x, "y": y[:9]}, "do not fit"),
        ({"x": x[:, :4], "y": y}, "do not fit"),
        ({"x": x, "y": y + 1}, "class numbers from 0 to 4"),
        ({"x": x, "y": y / 2}, "class numbers"),
    ):
        with pytest.raises(QuantizationError, match=match):
            qat.tune(model_of("cnn"), "int8", calibration=calibration, **data)


def test_tuned_models_answer_validation_vectors_no_worse_than_their_start():
    x = vectors_for("cnn", 120, seed=1)
    y = np.asarray(model_of("cnn").predict(x, verbose=0)).argmax(axis=1)
    model = qat.tune(model_of("cnn"), "binary", x=x, y=y, calibration={"x": x}, epochs=2, rate=0.5, validation=0.5)
    start = qat.prepare(model_of("cnn"), "binary", calibration={"x": x})
    _, places = tuning.split(y, 0.5, seed=1)

    def right(each: keras.Model) -> float:
        return np.mean(each.predict(x[places], verbose=0).reshape(len(places), -1).argmax(axis=1) == y[places])

    # at this rate training destroys the network
    assert right(model) >= right(start)
    assert model.kept_epoch == 0
