"""Checkpoints as TensorFlow 1 wrote them become models that compute the same."""

from typing import NamedTuple

import numpy as np
import pytest
import tensorflow as tf

from facefill.datasets import KerasModelDataset
from facefill.errors import ModelError
from facefill.models import tf1_import
from facefill.models.tf1_import import convert, import_models, read_checkpoint

v1 = tf.compat.v1

LATENT_SIZE = 10
FILTERS = 4


class Generation(NamedTuple):
    """How a version of the reference's model.py builds its graph for 64 pixels."""

    widths: list  # of the generator's hidden layers
    first_norm: int  # of the discriminator
    head: str


GENERATIONS = {
    "bamos's published model": Generation([32, 16, 8, 4], 1, "d_h3_lin"),
    "bamos's HEAD": Generation([32, 32, 16, 8], 0, "d_h4_lin"),
    "carpedm20": Generation([32, 16, 8, 4], 1, "d_h4_lin"),
}


class Reference:
    """The reference's graph, from TensorFlow's own operations, with drawn weights."""

    def __init__(self, generation, seed=0):
        self.draw = np.random.default_rng(seed)
        self.graph = tf.Graph()
        with self.graph.as_default():
            self.latents = v1.placeholder(tf.float32, [None, LATENT_SIZE])
            self.photos = v1.placeholder(tf.float32, [None, 64, 64, 3])
            with v1.variable_scope("generator"):
                self.pictures = self.generator(generation)
            with v1.variable_scope("discriminator"):
                self.logits = self.discriminator(generation)

    def variable(self, name, shape, center=0.0, deviation=0.1):
        value = center + deviation * self.draw.standard_normal(shape)
        return v1.get_variable(name, initializer=value.astype(np.float32))

    def linear(self, values, outputs, scope):
        with v1.variable_scope(scope):
            spread = (1 / values.shape[1]) ** 0.5
            shape = [values.shape[1], outputs]
            matrix = self.variable("Matrix", shape, deviation=spread)
            return tf.matmul(values, matrix) + self.variable("bias", [outputs])

    def norm(self, values, scope):
        with v1.variable_scope(scope):
            size = [values.shape[-1]]
            beta = self.variable("beta", size)
            gamma = self.variable("gamma", size, 1.0)
            mean = self.variable("moving_mean", size)
            variance = tf.abs(self.variable("moving_variance", size, 1.0))
        return tf.nn.batch_normalization(values, mean, variance, beta, gamma, 1e-5)

    def deconv2d(self, values, size, outputs, scope):
        with v1.variable_scope(scope):
            # Weights of a size that keeps the maps' variance from layer to layer.
            inputs = values.shape[-1]
            spread = (8 / (25 * inputs)) ** 0.5
            kernel = self.variable("w", [5, 5, outputs, inputs], deviation=spread)
            shape = [tf.shape(values)[0], size, size, outputs]
            made = tf.nn.conv2d_transpose(values, kernel, shape, [1, 2, 2, 1])
            return made + self.variable("biases", [outputs])

    def conv2d(self, values, outputs, scope):
        with v1.variable_scope(scope):
            inputs = values.shape[-1]
            spread = (2 / (25 * inputs)) ** 0.5
            kernel = self.variable("w", [5, 5, inputs, outputs], deviation=spread)
            made = tf.nn.conv2d(values, kernel, [1, 2, 2, 1], padding="SAME")
            return made + self.variable("biases", [outputs])

    def generator(self, generation):
        first, *others = generation.widths
        maps = self.linear(self.latents, 16 * first, "g_h0_lin")
        maps = tf.nn.relu(self.norm(tf.reshape(maps, [-1, 4, 4, first]), "g_bn0"))
        for stage, width in enumerate(others, start=1):
            maps = self.deconv2d(maps, 4 << stage, width, f"g_h{stage}")
            maps = tf.nn.relu(self.norm(maps, f"g_bn{stage}"))
        return tf.nn.tanh(self.deconv2d(maps, 64, 3, f"g_h{len(generation.widths)}"))

    def discriminator(self, generation):
        def leaky(values):
            return 0.6 * values + 0.4 * tf.abs(values)

        maps = leaky(self.conv2d(self.photos, FILTERS, "d_h0_conv"))
        for stage in range(1, 4):
            maps = self.conv2d(maps, FILTERS << stage, f"d_h{stage}_conv")
            name = f"d_bn{stage - 1 + generation.first_norm}"
            maps = leaky(self.norm(maps, name))
        flat = tf.reshape(maps, [-1, 4 * 4 * 8 * FILTERS])
        return self.linear(flat, 1, generation.head)

    def run(self, latents, photos, path=None):
        """Compute pictures and logits, and save as the reference does."""
        with v1.Session(graph=self.graph) as session:
            session.run(v1.global_variables_initializer())
            if path is not None:
                v1.train.Saver(max_to_keep=1).save(session, str(path), global_step=502)
            return session.run(
                [self.pictures, self.logits],
                {self.latents: latents, self.photos: photos},
            )


# Keras hands its variables to h5py without the keyword that NumPy 2 asks for.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("generation", GENERATIONS.values(), ids=list(GENERATIONS))
def test_both_networks_compute_what_the_checkpoints_graph_computes(
    tmp_path, generation
):
    draw = np.random.default_rng(1)
    latents = draw.uniform(-1, 1, (5, LATENT_SIZE)).astype(np.float32)
    photos = draw.uniform(-1, 1, (5, 64, 64, 3)).astype(np.float32)
    path = tmp_path / "DCGAN.model"
    pictures, logits = Reference(generation).run(latents, photos, path)

    models, report = import_models(str(tmp_path))
    for name, model in models._asdict().items():
        dataset = KerasModelDataset(filepath=str(tmp_path / f"{name}.keras"))
        dataset.save(model)
        models = models._replace(**{name: dataset.load()})

    ours = models.generator(latents, training=False).numpy()
    # Neither flat nor saturated, or agreement would say little.
    assert pictures.std() > 0.1
    assert (np.abs(pictures) < 0.99).mean() > 0.5
    assert np.abs(ours - pictures).max() <= 1e-5
    judged = models.discriminator(photos, training=False).numpy()
    assert logits.std() > 0.01
    assert np.abs(judged - logits).max() <= 1e-5 * max(1.0, np.abs(logits).max())
    assert report["generator_widths"] == generation.widths
    assert (report["image_size"], report["latent_size"]) == (64, LATENT_SIZE)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A folder with a checkpoint, and its arrays."""
    folder = tmp_path_factory.mktemp("checkpoint")
    reference = Reference(GENERATIONS["carpedm20"])
    nothing = np.zeros((1, LATENT_SIZE)), np.zeros((1, 64, 64, 3))
    reference.run(*nothing, folder / "DCGAN.model")
    return folder, read_checkpoint(str(folder))


@pytest.mark.parametrize(
    "name",
    [
        "",
        "DCGAN.model-502",
        "DCGAN.model-502.index",
        "DCGAN.model-502.meta",
        "DCGAN.model-502.data-00000-of-00001",
    ],
)
def test_a_checkpoint_may_be_named_by_its_folder_prefix_or_any_file(saved, name):
    folder, arrays = saved
    again = read_checkpoint(str(folder / name))
    assert again.keys() == arrays.keys()
    key = "generator/g_h0_lin/Matrix"
    assert np.array_equal(again[key], arrays[key])


def test_a_folder_moved_from_another_machine_is_still_read(saved, tmp_path):
    folder, arrays = saved
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "checkpoint").write_text(
        'model_checkpoint_path: "/elsewhere/DCGAN.model-502"\n'
    )
    assert read_checkpoint(str(tmp_path)).keys() == arrays.keys()
    (tmp_path / "checkpoint").unlink()
    assert read_checkpoint(str(tmp_path)).keys() == arrays.keys()
    (tmp_path / "DCGAN.model-9.index").touch()
    with pytest.raises(ModelError, match="holds 2 checkpoints"):
        read_checkpoint(str(tmp_path))


def test_what_is_no_checkpoint_is_refused_in_a_line(saved, tmp_path):
    with pytest.raises(ModelError, match=r"set import_checkpoint\.path"):
        import_models(None)
    with pytest.raises(ModelError, match="no checkpoint at"):
        import_models(str(tmp_path / "DCGAN.model-1"))
    with pytest.raises(ModelError, match="holds 0 checkpoints"):
        import_models(str(tmp_path))
    folder, _ = saved
    for path in folder.glob("DCGAN*"):
        content = path.read_bytes()
        (tmp_path / path.name).write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelError, match="no whole checkpoint"):
        import_models(str(tmp_path / "DCGAN.model-502"))


def test_moments_of_the_optimizer_are_left_out(saved):
    _, arrays = saved
    more = dict(arrays)
    for name in arrays:
        more[f"{name}/Adam"] = more[f"{name}/Adam_1"] = arrays[name]
    more["beta1_power"] = more["discriminator/beta2_power"] = np.float32(0.5)
    more["global_step"] = np.int64(502)
    convert(more)


def test_names_that_are_missing_and_names_that_are_unknown_are_listed(saved):
    _, arrays = saved
    changed = dict(arrays)
    del changed["generator/g_bn2/gamma"]
    changed["generator/g_y/w"] = np.zeros(3, np.float32)
    with pytest.raises(
        ModelError,
        match="lacks generator/g_bn2/gamma; we do not know generator/g_y/w",
    ):
        convert(changed)
    with pytest.raises(ModelError, match=r"lacks .* and \d\d more; we do not know x"):
        convert({"x": np.zeros(3)})


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        (
            "generator/g_h2/w",
            (3, 3, 8, 16),
            r"g_h2/w has shape \(3, 3, 8, 16\) instead of \(5, 5, 8, 16\)",
        ),
        (
            "generator/g_h1/biases",
            (7,),
            r"g_h1/biases has shape \(7,\) instead of \(16,\)",
        ),
        (
            "discriminator/d_h4_lin/Matrix",
            (2048, 1),
            r"Matrix has shape \(2048, 1\) instead of \(512, 1\)",
        ),
        ("generator/g_h0_lin/Matrix", (9,), r"g_h0_lin/Matrix has shape \(9,\)"),
        ("discriminator/d_h0_conv/w", (5, 5), r"d_h0_conv/w has shape \(5, 5\)"),
    ],
)
def test_shapes_that_do_not_fit_are_named_with_those_that_would(
    saved, name, shape, message
):
    _, arrays = saved
    with pytest.raises(ModelError, match=message):
        convert(arrays | {name: np.zeros(shape, np.float32)})


def test_a_long_list_is_cut(monkeypatch):
    monkeypatch.setattr(tf1_import, "MAX_LISTED", 2)
    assert tf1_import._listed(["a", "b"]) == "a, b"
    assert tf1_import._listed(["a", "b", "c"]) == "a, b and 1 more"
