import keras
import numpy as np
import pytest
from keras import ops

from facefill.backend import graph


def test_each_argument_gets_the_gradient_of_its_own_loss():
    first = [np.array([1.0, 2.0], np.float32)]
    second = [np.array([3.0, -1.0], np.float32)]

    def function(a, b):
        product = ops.sum(a[0] * b[0])
        return (product**2, 5.0 * product), product

    (by_first, by_second), product = graph.gradients(
        function,
        ([ops.convert_to_tensor(first[0])], [ops.convert_to_tensor(second[0])]),
    )
    assert float(product) == 1.0
    # d(p^2)/da = 2 p b and d(5 p)/db = 5 a, with p = 1.
    assert np.asarray(by_first[0]) == pytest.approx([6.0, -2.0])
    assert np.asarray(by_second[0]) == pytest.approx([5.0, 10.0])


@pytest.mark.parametrize("count", [1, 4])
def test_repeat_does_what_a_loop_does(count):
    values = np.arange(1.0, count + 1.0, dtype=np.float32)

    def step(state, value):
        total = state["total"] + value
        return {"total": total}, ops.stack([total, value * value])

    run = graph.compiled(
        lambda state, inputs: graph.repeat(step, state, inputs, 2), "cpu"
    )
    state, records = run({"total": ops.convert_to_tensor(10.0)}, values)
    assert float(state["total"]) == 10.0 + values.sum()
    assert np.asarray(records)[:, 0] == pytest.approx(10.0 + np.cumsum(values))
    assert np.asarray(records)[:, 1] == pytest.approx(values**2)


def test_a_network_gives_the_same_bits_however_often_it_was_asked_before():
    inputs = np.random.default_rng(0).normal(size=(1, 8, 8, 3)).astype(np.float32)
    seen = keras.Input((8, 8, 3))
    maps = keras.layers.Conv2D(5, 3, padding="same", activation="tanh")(seen)
    maps = keras.layers.BatchNormalization()(maps)
    network = keras.Model(seen, keras.layers.Dense(2)(keras.layers.Flatten()(maps)))
    run = graph.inference(network)
    found = [np.asarray(run(inputs)) for _ in range(20)]
    assert all(np.array_equal(each, found[0]) for each in found)
    assert found[0] == pytest.approx(np.asarray(network(inputs, training=False)), 1e-4)


def test_a_network_is_traced_once_for_pictures_of_all_its_sides(monkeypatch):
    seen = keras.Input((None, None, 3))
    network = keras.Model(seen, keras.layers.Conv2D(5, 3, padding="same")(seen))
    passes = []
    call = keras.Model.__call__

    def counted(self, *arguments, **settings):
        passes.append(self)
        return call(self, *arguments, **settings)

    monkeypatch.setattr(keras.Model, "__call__", counted)
    run = graph.inference(network)
    for side in (8, 16, 12):
        pictures = np.random.default_rng(0).normal(size=(2, side, side, 3))
        made = np.asarray(run(pictures.astype(np.float32)))
        assert made.shape == (2, side, side, 5)
    assert len(passes) == 1
