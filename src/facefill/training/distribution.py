"""Data-parallel training: one device, ``tf.distribute``, or a cluster of machines.

Every device has a copy of the state and takes its part of each batch. What a step
computes of the whole batch is computed together: the moments of the batch norms,
the gradients, the metrics. A step is therefore what it would be on one device that
has room for the batch, but for the order in which numbers are added up.

All processes of a cluster run the same program. The first one, the chief, is the
only one that reads and writes checkpoints; the others get from it what it read.
"""

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import keras
import numpy as np
from keras import ops

from facefill.backend import devices, graph
from facefill.backend.types import Tensor
from facefill.errors import TrainingError
from facefill.parameters.choices import Device, Distribution
from facefill.training.cluster import Cluster, this_cluster
from facefill.training.state import Batch

Step = Callable[[Any, Batch], tuple[Any, Tensor]]
"""Takes the state and one batch; returns the next state and a vector to record."""

Steps = Callable[[Any, Batch], tuple[Any, Tensor]]
"""The same for a stack of batches, one step each; the vectors are rows then."""

_ALONE = Cluster(world_size=1, rank=0)
_NUMBERS_AT_ONCE = 1 << 22

logger = logging.getLogger(__name__)


class Strategy(ABC):
    """Where the training step runs: on which devices, in which processes.

    Attributes:
        num_devices: Devices that share a batch.
        cluster: The processes, and which of them this one is.
    """

    def __init__(self, device: Device, num_devices: int, cluster: Cluster) -> None:
        """Name the kind of device, and count."""
        self.device = device
        self.num_devices = num_devices
        self.cluster = cluster

    @property
    def is_chief(self) -> bool:
        """Whether this process keeps the checkpoints and measures samples."""
        return self.cluster.rank == 0

    @abstractmethod
    def compile_steps(self, step: Step, num_records: int) -> Steps:
        """Compile the loop over a stack of batches, one step for each of them.

        Args:
            step: The training step.
            num_records: Length of the vector that it records.
        """

    @abstractmethod
    def placement(self) -> AbstractContextManager[Any]:
        """Place what one device does, such as generating samples."""

    @abstractmethod
    def any(self, flag: bool) -> bool:
        """Whether the flag is true in any process; all of them have to ask."""

    @abstractmethod
    def broadcast(self, content: bytes) -> bytes:
        """Send the chief's bytes to every process; it waits until all have asked."""


class SingleDevice(Strategy):
    """One device in one process."""

    def __init__(self, device: Device) -> None:
        """Name the kind of device."""
        super().__init__(device, 1, _ALONE)

    def compile_steps(self, step: Step, num_records: int) -> Steps:
        """Compile the loop over a stack of batches; see ``graph.repeat``."""

        def steps(state: Any, batches: Batch) -> tuple[Any, Tensor]:
            return graph.repeat(step, state, batches, num_records)

        return graph.compiled(steps, self.device)

    def placement(self) -> AbstractContextManager[Any]:
        """Place what is done within on the device."""
        return devices.on_device(self.device)

    def any(self, flag: bool) -> bool:
        """Return the flag of the only process."""
        return flag

    def broadcast(self, content: bytes) -> bytes:
        """Return the bytes of the only process."""
        return content


class TfStrategy(Strategy):
    """The devices of a ``tf.distribute`` strategy.

    A loop that runs in the graph goes around the strategy's ``run``, because
    TensorFlow refuses to combine what devices compute inside of one, and nothing is
    compiled by XLA for the same reason.
    """

    def __init__(self, device: Device, strategy: Any, cluster: Cluster) -> None:
        """Take the strategy."""
        super().__init__(device, strategy.num_replicas_in_sync, cluster)
        self._strategy = strategy
        self._devices = list(strategy.extended.worker_devices)
        self._total = self._compiled(self._total_in_graph)

    def compile_steps(self, step: Step, num_records: int) -> Steps:
        """Compile the loop over a stack of batches, of which each device has a part."""

        def steps(state: Any, batches: Batch) -> tuple[Any, Tensor]:
            return self._repeat(step, state, batches, num_records)

        return self._compiled(steps)

    def _compiled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        import tensorflow as tf

        compiled = tf.function(function, autograph=False)

        def call(*arguments: Any) -> Any:
            with self._explaining():
                return compiled(*arguments)

        return call

    def _repeat(
        self, step: Step, state: Any, batches: Batch, num_records: int
    ) -> tuple[Any, Tensor]:
        parts = [self._part(batches, index) for index in range(len(self._devices))]
        flat = [ops.convert_to_tensor(value) for value in keras.tree.flatten(state)]
        count = batches.flips.shape[0]

        def body(position: Tensor, records: Tensor, *copies: Any) -> tuple[Any, ...]:
            def on_replica(values: list[Tensor], part: Batch) -> list[Tensor]:
                chosen = keras.tree.map_structure(
                    lambda array: ops.take(array, position, axis=0), part
                )
                packed = keras.tree.pack_sequence_as(state, values)
                changed, row = step(packed, chosen)
                return [row, *keras.tree.flatten(changed)]

            arguments = self._per_device(list(copies)), self._per_device(parts)
            rows, *changed = self._strategy.run(on_replica, args=arguments)
            row = self._local(rows)[0]
            records = graph.with_row(records, position, row)
            by_device = zip(*map(self._local, changed), strict=True)
            return position + 1, records, *(list(values) for values in by_device)

        import tensorflow as tf

        _, records, *copies = tf.while_loop(
            lambda position, *_: position < count,
            body,
            (
                ops.convert_to_tensor(0),
                ops.zeros((count, num_records)),
                *(self._copy(flat, device) for device in self._devices),
            ),
        )
        return keras.tree.pack_sequence_as(state, copies[0]), records

    def placement(self) -> AbstractContextManager[Any]:
        """Leave it to TensorFlow; a strategy names its devices itself."""
        return nullcontext()

    def any(self, flag: bool) -> bool:
        """Whether the flag is true in any process; all of them have to ask."""
        if self.cluster.world_size == 1:
            return flag
        return bool(self._sum(np.array([flag], np.float32))[0] > 0)

    def broadcast(self, content: bytes) -> bytes:
        """Send the chief's bytes to every process; it waits until all have asked."""
        if self.cluster.world_size == 1:
            return content
        # Numbers of 16 bits are exact in float32, which every device can add.
        halves = np.frombuffer(content + bytes(len(content) % 2), np.uint16)
        sizes = [len(content) >> 16, len(content) & 0xFFFF]
        high, low = self._sum(np.array(sizes, np.float32) * self.is_chief)
        size = (int(high) << 16) + int(low)
        result = np.empty(-(-size // 2), np.uint16)
        for begin in range(0, len(result), _NUMBERS_AT_ONCE):
            piece = np.zeros(_NUMBERS_AT_ONCE, np.float32)
            if self.is_chief:
                own = halves[begin : begin + _NUMBERS_AT_ONCE]
                piece[: len(own)] = own
            target = result[begin : begin + _NUMBERS_AT_ONCE]
            target[:] = self._sum(piece)[: len(target)].astype(np.uint16)
        return result.tobytes()[:size]

    def _part(self, batches: Batch, index: int) -> Batch:
        """Cut the part of a stack of batches that is for one device of this process."""
        import tensorflow as tf

        first = self.cluster.rank * len(self._devices)
        with tf.device(self._devices[index]):
            part = batches.part(first + index, self.num_devices)
            return Batch(*keras.tree.map_structure(ops.convert_to_tensor, tuple(part)))

    def _copy(self, values: list[Tensor], device: str) -> list[Tensor]:
        import tensorflow as tf

        with tf.device(device):
            return [tf.identity(value) for value in values]

    def _per_device(self, values: list[Any]) -> Any:
        first = self.cluster.rank * len(self._devices)
        return self._strategy.experimental_distribute_values_from_function(
            lambda context: values[context.replica_id_in_sync_group - first]
        )

    def _local(self, value: Any) -> tuple[Tensor, ...]:
        results: tuple[Tensor, ...] = self._strategy.experimental_local_results(value)
        return results if len(results) > 1 else results * len(self._devices)

    def _sum(self, values: np.ndarray) -> np.ndarray:
        return np.asarray(self._total(ops.convert_to_tensor(values)))

    def _total_in_graph(self, values: Tensor) -> Tensor:
        """Add what the processes have; of a process only its first device counts."""
        import tensorflow as tf

        def on_replica(value: Tensor) -> Tensor:
            context = tf.distribute.get_replica_context()
            # Only what was made by a device can be added up by it.
            made_here = tf.identity(value)
            return context.all_reduce(tf.distribute.ReduceOp.SUM, made_here)

        others = [ops.zeros_like(values)] * (len(self._devices) - 1)
        parts = self._per_device([values, *others])
        return self._local(self._strategy.run(on_replica, args=(parts,)))[0]

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        import tensorflow as tf

        try:
            yield
        except tf.errors.OpError as error:
            if self.cluster.world_size == 1:
                raise
            raise TrainingError(
                "another process of the cluster is gone, or cannot be reached; its own "
                "output says why. Give every process the same command again: they go "
                "on from the last checkpoint"
            ) from error


def choose_strategy(distribute: Distribution, device: Device) -> Strategy:
    """Find the devices that a training is to use.

    A cluster has to be joined before TensorFlow does anything else in the process. To
    be called once a process where several devices are used: TensorFlow remembers what
    devices combined under the numbers that each strategy gives out, from the same
    first one on.

    Raises:
        TrainingError: If they are not there, or Keras runs on JAX.
    """
    devices.let_memory_grow()
    if distribute == "auto":
        several = devices.device_kind(device) == "gpu" and devices.num_gpus() > 1
        has_tensorflow = keras.backend.backend() == "tensorflow"
        distribute = "mirrored" if several and has_tensorflow else "none"
    if distribute == "none":
        return SingleDevice(device)
    if keras.backend.backend() != "tensorflow":
        raise TrainingError(
            f"train.distribute is '{distribute}', which needs TensorFlow, but Keras "
            f"runs on {keras.backend.backend()}; set it to none, or unset KERAS_BACKEND"
        )
    cluster = _ALONE if distribute == "mirrored" else this_cluster()
    strategy = TfStrategy(device, _tf_strategy(distribute, device), cluster)
    logger.info("training on %d devices", strategy.num_devices)
    return strategy


def _tf_strategy(distribute: Distribution, device: Device) -> Any:
    import tensorflow as tf

    kind = devices.device_kind(device).upper()
    if distribute == "mirrored":
        names = [device.name for device in tf.config.list_logical_devices(kind)]
        return tf.distribute.MirroredStrategy(names)
    if kind == "CPU":
        tf.config.set_visible_devices([], "GPU")
    return tf.distribute.MultiWorkerMirroredStrategy()
