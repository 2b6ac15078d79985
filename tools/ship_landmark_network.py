"""Train the network that places landmarks of damaged faces, to come with facefill.

Run it in the project's environment and the package ``onnx``, with the folder ``data``
of a project whose photos are prepared as by default, one subfolder a person::

    kedro run --pipeline=prepare
    python tools/ship_landmark_network.py data/

At most three photos of each training person are used. Places are about the mean face
of the joint model, which is shipped first (``ship_face_prior.py``). Two batches a
second of two cores: an hour and a half for 10,000.
"""

import argparse
import hashlib
from pathlib import Path

import keras
import numpy as np
import onnx
import tensorflow as tf
from landmark_samples import Faces, Sample, Sampler
from onnx import helper, numpy_helper
from training_faces import training_faces

from facefill.preparation import face_prior
from facefill.preparation.landmark_network import DESCRIPTION, FILE, SIDE
from facefill.runtime.files import write_bytes, write_json
from facefill.runtime.packaged_files import FOLDER

# Filters and stride of each convolution, all but the first of 3 x 3 pixels: it sees
# blocks of 2 x 2, as it were, and is of 6 x 6.
CONVOLUTIONS = ((24, 2), (48, 2), (48, 1), (96, 2), (96, 1), (96, 1), (128, 2))
HIDDEN = 160
# Answers: places about the mean face, the logarithm of their error, whose channel is
# not shipped, and the log odds of a face.
NUM_PLACES = 136
STEP = 0.2
# What alignment is by counts more than the rest.
KEY_LANDMARKS, KEY_SHARE = [36, 39, 42, 45, 57, 33], 0.6
BATCH = 64
PER_PERSON = 3
WARM_UP = 100
REPORTED = 100


def main() -> None:
    """Train on photos of the training side."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--batches", type=int, default=10_000)
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    parser.add_argument("--output", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    keras.utils.set_random_seed(1)
    faces = Faces(training_faces(arguments.data, PER_PERSON))
    network = build()
    train(network, Sampler(faces, 1), arguments.batches, arguments.learning_rate)
    content = exported(network)
    write_bytes(arguments.output / FILE, content)
    described = {
        "sha256": hashlib.sha256(content).hexdigest(),
        "faces": len(faces.points),
        "batches": arguments.batches,
    }
    write_json(arguments.output / DESCRIPTION, described)
    print(f"{len(faces.points)} faces, {len(content)} bytes")


def build() -> keras.Model:
    """Build the network, channels last as CPUs train it."""
    layers = keras.layers
    inputs = signal = keras.Input((SIDE, SIDE, 4))
    for number, (filters, stride) in enumerate(CONVOLUTIONS):
        if number == 0:
            signal = layers.ZeroPadding2D(2)(signal)
        size, padding = (3, "same") if number else (6, "valid")
        convolution = layers.Conv2D(
            filters, size, stride, padding=padding, use_bias=False
        )
        signal = layers.BatchNormalization(momentum=0.98)(convolution(signal))
        signal = layers.ReLU()(signal)
    signal = layers.Dense(HIDDEN, activation="relu")(layers.Flatten()(signal))
    return keras.Model(inputs, layers.Dense(NUM_PLACES + 2)(signal))


def train(
    network: keras.Model, sampler: Sampler, num_batches: int, learning_rate: float
) -> None:
    """Train the network, at a rate that falls to nothing over the second half."""
    optimizer = keras.optimizers.Adam(learning_rate, global_clipnorm=5.0)
    optimizer.build(network.trainable_variables)
    mean = tf.constant(face_prior.load().mean_points, tf.float32)

    @tf.function
    def step(inputs: tf.Tensor, points: tf.Tensor, is_face: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            answers = network(inputs, training=True)
            loss, error = _loss(answers, mean, points, is_face)
        gradients = tape.gradient(loss, network.trainable_variables)
        optimizer.apply(gradients, network.trainable_variables)
        return error

    errors = []
    for number in range(num_batches):
        left = min(1.0, 2.0 - 2.0 * number / num_batches) ** 1.5
        rate = learning_rate * min(1.0, (number + 1) / WARM_UP) * left + 1e-6
        optimizer.learning_rate.assign(rate)
        inputs, points, is_face = sampler.batch(BATCH)
        inputs = np.ascontiguousarray(inputs.transpose(0, 2, 3, 1))
        errors.append(step(*map(tf.constant, Sample(inputs, points, is_face))))
        if number % REPORTED == REPORTED - 1:
            error = np.mean(errors[-REPORTED:])
            print(f"{number + 1}: {error:.3f} pixels of 64", flush=True)


def _loss(
    answers: tf.Tensor, mean: tf.Tensor, points: tf.Tensor, is_face: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Give the loss, and the mean error of the landmarks in pixels of 64."""
    shares = np.full(68, (1.0 - KEY_SHARE) / (68 - len(KEY_LANDMARKS)), np.float32)
    shares[KEY_LANDMARKS] = KEY_SHARE / len(KEY_LANDMARKS)
    placed = mean + STEP * tf.reshape(answers[:, :NUM_PLACES], (-1, 68, 2))
    squared = tf.reduce_sum((placed - points) ** 2, axis=-1)
    errors = 64.0 * tf.reduce_sum(tf.sqrt(squared + 1e-6) * shares, axis=-1)
    logarithms = tf.clip_by_value(answers[:, NUM_PLACES], -2.0, 4.0)
    likelihoods = errors * tf.exp(-logarithms) + logarithms
    count = tf.reduce_sum(is_face)
    odds = tf.nn.sigmoid_cross_entropy_with_logits(is_face, answers[:, -1])
    placing = tf.reduce_sum(is_face * (likelihoods + 0.1 * errors)) / count
    error = tf.reduce_sum(is_face * errors) / count
    return placing + tf.reduce_mean(odds), error


def exported(network: keras.Model) -> bytes:
    """Write the network as ONNX: channels first, norms folded, places in the frame.

    Weights have 16 bits, of which OpenCV makes 32.
    """
    layers = network.layers
    convolutions = [each for each in layers if isinstance(each, keras.layers.Conv2D)]
    norms = [
        each for each in layers if isinstance(each, keras.layers.BatchNormalization)
    ]
    hidden, last = (each for each in layers if isinstance(each, keras.layers.Dense))
    folded = [
        _folded(convolution.kernel.numpy(), norm)
        for convolution, norm in zip(convolutions, norms, strict=True)
    ]
    return written(
        folded,
        (hidden.kernel.numpy(), hidden.bias.numpy()),
        (last.kernel.numpy(), last.bias.numpy()),
    )


def _folded(
    kernel: np.ndarray, norm: keras.layers.BatchNormalization
) -> tuple[np.ndarray, np.ndarray]:
    gamma, beta, mean, variance = (each.numpy() for each in norm.weights)
    scale = gamma / np.sqrt(variance + norm.epsilon)
    return kernel * scale, beta - mean * scale


def written(
    convolutions: list[tuple[np.ndarray, np.ndarray]],
    hidden: tuple[np.ndarray, np.ndarray],
    last: tuple[np.ndarray, np.ndarray],
) -> bytes:
    """Write kernels and biases, channels last, as an ONNX file."""
    arrays: dict[str, np.ndarray] = {}
    nodes: list[onnx.NodeProto] = []
    signal = "inputs"
    for number, (kernel, bias) in enumerate(convolutions):
        names = [f"kernel_{number}", f"bias_{number}"]
        arrays |= dict(zip(names, (kernel.transpose(3, 2, 0, 1), bias), strict=True))
        stride = CONVOLUTIONS[number][1]
        # As Keras pads: of an even side, a stride of 2 needs but the far edge.
        pads = [2, 2, 2, 2] if number == 0 else [2 - stride, 2 - stride, 1, 1]
        convolved, signal = f"convolved_{number}", f"signal_{number}"
        source = nodes[-1].output[0] if nodes else "inputs"
        nodes += [
            helper.make_node(
                "Conv", [source, *names], [convolved], strides=[stride] * 2, pads=pads
            ),
            helper.make_node("Relu", [convolved], [signal]),
        ]
    channels = len(convolutions[-1][1])
    side = round((len(hidden[0]) / channels) ** 0.5)
    kernel = hidden[0].reshape(side, side, channels, -1).transpose(2, 0, 1, 3)
    arrays |= {"hidden_kernel": kernel.reshape(len(hidden[0]), -1)}
    places = [*range(NUM_PLACES), NUM_PLACES + 1]
    scale = np.append(np.full(NUM_PLACES, STEP), 1.0)
    mean = np.append(face_prior.load().mean_points.ravel(), 0.0)
    arrays |= {"hidden_bias": hidden[1], "last_kernel": last[0][:, places] * scale}
    arrays |= {"last_bias": last[1][places] * scale + mean}
    nodes += [
        helper.make_node("Flatten", [signal], ["flat"]),
        helper.make_node("Gemm", ["flat", "hidden_kernel", "hidden_bias"], ["hidden"]),
        helper.make_node("Relu", ["hidden"], ["active"]),
        helper.make_node("Gemm", ["active", "last_kernel", "last_bias"], ["answers"]),
    ]
    return _model(nodes, arrays)


def _model(nodes: list[onnx.NodeProto], arrays: dict[str, np.ndarray]) -> bytes:
    describe, real = helper.make_tensor_value_info, onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "landmarks",
        [describe("inputs", real, ["count", 4, SIDE, SIDE])],
        [describe("answers", real, ["count", NUM_PLACES + 1])],
        [
            numpy_helper.from_array(np.ascontiguousarray(array, np.float16), name)
            for name, array in arrays.items()
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


if __name__ == "__main__":
    main()
