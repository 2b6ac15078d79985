"""Graph operations on TensorFlow or JAX: compiling, gradients, loops.

Everything else above this module is ``keras.ops`` on values passed in and
returned, so that the same training and the same search run on both. The
backend is Keras's own choice (``KERAS_BACKEND``, TensorFlow by default).
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import keras
import numpy as np
from keras import ops

from facefill.backend.devices import device_kind
from facefill.backend.types import Tensor
from facefill.parameters.choices import Device


def compiled(
    function: Callable[..., Any],
    device: Device,
    shape: tuple[int | None, ...] | None = None,
) -> Callable[..., Any]:
    """Turn a function of arrays into one call of the device.

    XLA compiles it on a GPU, where it fuses the many small operations of Adam
    and batch norm; on a CPU its transposed convolutions are up to 90 times
    slower than TensorFlow's own, so there it stays off.

    Args:
        function: Pure; takes and returns nested arrays.
        device: Where it will run.
        shape: Of its argument, if that is one of float32, with None where it is not
            fixed: TensorFlow traces it once then, and not for each shape that it meets.
            XLA, and with it JAX, compiles for each shape nevertheless.
    """
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(function)  # type: ignore[no-any-return]
    import tensorflow as tf

    on_gpu = device_kind(device) == "gpu"
    # What runs under JAX, too, has no Python branch on a tensor: AutoGraph would find
    # nothing to convert, in a third of the time that a graph takes to trace.
    signature = None if shape is None else [tf.TensorSpec(shape, tf.float32)]
    traced = tf.function(function, signature, jit_compile=on_gpu, autograph=False)
    return traced  # type: ignore[no-any-return]


def inference(network: keras.Model) -> Callable[[Tensor], Tensor]:
    """Compile a network's pass in inference mode.

    From the first call on: what is computed without a graph can differ in the last
    bits, and a photo's result would depend on how many came before. Under TensorFlow it
    is traced once, for pictures of all sides that the network takes.
    """
    return compiled(partial(network, training=False), "auto", network.input_shape)


def gradients(
    function: Callable[..., tuple[Sequence[Tensor], Any]],
    arguments: Sequence[Sequence[Tensor]],
) -> tuple[list[list[Tensor]], Any]:
    """Differentiate several losses, each by an argument of its own.

    The losses share one forward pass. Loss ``i`` is differentiated by argument
    ``i`` alone, and what only other pairs need is never computed.

    Args:
        function: Takes the arguments, returns the losses (scalars, as many as
            there are arguments) and whatever else the caller wants back.
        arguments: Lists of arrays.

    Returns:
        For each argument the gradients of its loss, and what else was returned.
    """
    if keras.backend.backend() == "jax":
        import jax

        losses, pull_back, others = jax.vjp(function, *arguments, has_aux=True)
        chosen = np.eye(len(losses), dtype=np.float32)
        return [
            pull_back(type(losses)(ops.convert_to_tensor(weight) for weight in row))[
                position
            ]
            for position, row in enumerate(chosen)
        ], others
    import tensorflow as tf

    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        tape.watch(arguments)
        losses, others = function(*arguments)
    pairs = zip(losses, arguments, strict=True)
    return [tape.gradient(loss, list(argument)) for loss, argument in pairs], others


def input_gradient(function: Callable[[Tensor], Tensor], inputs: Tensor) -> Tensor:
    """Differentiate a scalar by an array; the result can be differentiated again.

    Args:
        function: Takes the array, returns a scalar.
        inputs: The array.

    Returns:
        The gradient, of the shape and type of ``inputs``.
    """
    inputs = ops.convert_to_tensor(inputs)
    if keras.backend.backend() == "jax":
        import jax

        return jax.grad(function)(inputs)
    import tensorflow as tf

    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(inputs)
        value = function(inputs)
    return tape.gradient(value, inputs)


def repeat(
    step: Callable[[Any, Any], tuple[Any, Tensor]],
    state: Any,
    inputs: Any,
    num_records: int,
) -> tuple[Any, Tensor]:
    """Run a step once for each slice of the inputs, inside the graph.

    Args:
        step: Takes the state and one slice of the inputs; returns the next state,
            of the same structure and shapes, and a vector to record.
        state: Nested arrays.
        inputs: Nested arrays; the slices are along their first axis.
        num_records: Length of the recorded vector.

    Returns:
        The last state and the recorded vectors, (slices, num_records) float32.
    """
    inputs = to_device(inputs)
    count = keras.tree.flatten(inputs)[0].shape[0]

    def body(position: Tensor, records: Tensor, *flat: Tensor) -> tuple[Tensor, ...]:
        chosen = keras.tree.map_structure(
            lambda array: ops.take(array, position, axis=0), inputs
        )
        packed = keras.tree.pack_sequence_as(state, list(flat))
        changed, row = step(packed, chosen)
        records = with_row(records, position, row)
        return position + 1, records, *keras.tree.flatten(changed)

    _, records, *flat = ops.while_loop(
        lambda position, *_: position < count,
        body,
        (
            ops.convert_to_tensor(0),
            ops.zeros((count, num_records)),
            *keras.tree.flatten(state),
        ),
    )
    return keras.tree.pack_sequence_as(state, flat), records


def with_row(records: Tensor, position: Tensor, row: Tensor) -> Tensor:
    """Replace one row of a matrix.

    With TensorFlow, ``ops.slice_update`` is an operation of XLA that is compiled even
    on a CPU.

    Args:
        records: (N, M).
        position: Number of the row, from 0, a scalar.
        row: (M,).

    Returns:
        (N, M).
    """
    return ops.scatter_update(records, ops.reshape(position, (1, 1)), row[None])


def has_replicas() -> bool:
    """Whether the backend can run one step on several devices."""
    return bool(keras.backend.backend() == "tensorflow")


def num_replicas() -> int:
    """Count the devices that run this very step together; 1 outside of one."""
    if not has_replicas():
        return 1
    import tensorflow as tf

    return int(tf.distribute.get_strategy().num_replicas_in_sync)


def mean_over_replicas(nested: Any) -> Any:
    """Average arrays over the devices that run this very step together."""
    if num_replicas() == 1:
        return nested
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    means = context.all_reduce(tf.distribute.ReduceOp.MEAN, keras.tree.flatten(nested))
    return keras.tree.pack_sequence_as(nested, means)


def to_numpy(nested: Any) -> Any:
    """Bring nested arrays from the device to numpy."""
    return keras.tree.map_structure(ops.convert_to_numpy, nested)


def to_device(nested: Any) -> Any:
    """Bring nested numpy arrays to the device."""
    return keras.tree.map_structure(ops.convert_to_tensor, nested)
