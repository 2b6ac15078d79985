"""Inception's distances, with random weights that the test itself saves."""

import keras
import numpy as np
import pytest

from facefill.errors import ModelError
from facefill.evaluation.distances import frechet_distance, kernel_distance
from facefill.evaluation.inception import InceptionFeatures
from facefill.evaluation.sample_quality import SampleQuality

# Keras's own writer converts arrays the old way.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ impl:DeprecationWarning")


def test_a_file_that_is_absent_or_no_weights_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"no file .*absent\.h5"):
        InceptionFeatures(tmp_path / "absent.h5")
    (tmp_path / "text.h5").write_bytes(b"nothing")
    with pytest.raises(ModelError, match=r"text\.h5 holds no weights of keras"):
        InceptionFeatures(tmp_path / "text.h5")


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_distances_are_of_the_features_that_keras_itself_gives(tmp_path):
    keras.utils.set_random_seed(1)
    network = keras.applications.InceptionV3(
        include_top=False, weights=None, pooling="avg", input_shape=(299, 299, 3)
    )
    network.save_weights(tmp_path / "random.weights.h5")
    draw = np.random.default_rng(0)
    held_out = draw.integers(0, 256, (4, 16, 16, 3), np.uint8)
    samples = held_out[::2] // 2

    def features(faces):
        enlarged = keras.ops.image.resize(
            faces.astype(np.float32), (299, 299), interpolation="bilinear"
        )
        prepared = keras.applications.inception_v3.preprocess_input(
            np.array(enlarged, np.float32)
        )
        return np.array(network(prepared, training=False), np.float64)

    ours = InceptionFeatures(tmp_path / "random.weights.h5")
    found = SampleQuality(held_out, 2, inception=ours).assess(samples)
    drawn, all_real = features(samples), features(held_out)
    real, others = all_real[:2], all_real[2:]
    for name, distance in (("fid", frechet_distance), ("kid", kernel_distance)):
        assert found[f"inception_{name}"] == pytest.approx(
            distance(drawn, real), rel=1e-3, abs=1e-7
        )
        assert found[f"inception_{name}_floor"] == pytest.approx(
            distance(others, real), rel=1e-3, abs=1e-7
        )
    small = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    small.save_weights(tmp_path / "small.weights.h5")
    with pytest.raises(ModelError, match=r"small\.weights\.h5 holds no weights of"):
        InceptionFeatures(tmp_path / "small.weights.h5")
