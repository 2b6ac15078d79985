"""Devices and precision are what was asked for, or an error."""

import pytest
import tensorflow as tf

from facefill.backend import devices
from facefill.errors import TrainingError


@pytest.mark.parametrize(
    ("device", "num_gpus", "expected"),
    [("cpu", 0, "cpu"), ("cpu", 2, "cpu"), ("auto", 0, "cpu"), ("auto", 1, "gpu")],
)
def test_a_gpu_is_used_if_there_is_one(monkeypatch, device, num_gpus, expected):
    monkeypatch.setattr(devices, "num_gpus", lambda: num_gpus)
    assert devices.device_kind(device) == expected


def test_a_gpu_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(devices, "num_gpus", lambda: 0)
    with pytest.raises(TrainingError, match="no GPU is visible"):
        devices.device_kind("gpu")


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_a_precision_that_was_chosen_stays(precision):
    assert devices.resolve_precision(precision, "cpu") == precision


def test_the_automatic_precision_of_a_gpu_is_bfloat16(monkeypatch):
    monkeypatch.setattr(devices, "num_gpus", lambda: 1)
    assert devices.resolve_precision("auto", "auto") == "mixed_bfloat16"


def test_exact_float32_lasts_as_long_as_its_block():
    enabled = tf.config.experimental.tensor_float_32_execution_enabled
    before = enabled()
    with devices.exact_float32():
        assert not enabled()
    assert enabled() == before
