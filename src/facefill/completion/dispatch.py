"""Latent searches for batches of photos: in this process, or on a Dask cluster.

Synopsis::

    for batch in search_batches(search, batches, folder, advance, map_chunks):
        for task, candidates, frames, failure in batch:
            ...

Faces and what is found for them are small, and travel to the workers of a cluster and
back. Networks are not: workers read them from files that they share with the process
that was started, once for all batches.
"""

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from facefill.completion.inputs import PhotoTask
from facefill.errors import ModelError
from facefill.inversion.candidates import Candidate
from facefill.inversion.multi_start import Watch
from facefill.inversion.search import LatentSearch
from facefill.models.companions import Companions
from facefill.models.encoders import ENCODER_FILE, read_encoder
from facefill.models.face_pca import FacePca
from facefill.models.files import read_pair, write_model
from facefill.models.refiners import REFINER_FILE, read_refiner
from facefill.parameters import CompleteOptions
from facefill.runtime.batching import groups
from facefill.runtime.files import replacing, write_bytes
from facefill.runtime.progress import Advance

if TYPE_CHECKING:
    from facefill.runtime.parallel import ChunkMapper

SECONDS_A_BATCH = 86_400.0
"""After which a batch counts as hung: with chains on a slow machine it takes hours."""

_STATISTICS = "statistics.npz"


class Found(NamedTuple):
    """Results of the searches for one photo.

    Attributes:
        task: The photo.
        candidates: Completions of each face, best first; none if a search failed.
        frames: For each face G(z) of the best so far, from the start to the end,
            uint8 (S, S, 3).
        failure: ``crashed``, ``failed`` or ``timeout`` if processes died of it, else
            empty.
    """

    task: PhotoTask
    candidates: tuple[tuple[Candidate, ...], ...] = ()
    frames: tuple[tuple[np.ndarray, ...], ...] = ()
    failure: str = ""


def cluster_mapper(cluster: str | None) -> "ChunkMapper | None":
    """Make what maps searches over a cluster; ``None`` where there is no cluster.

    Args:
        cluster: Address of a Dask scheduler, such as ``tcp://host:8786``.
    """
    from facefill.runtime.parallel import chunk_mapper

    return chunk_mapper(None, cluster, SECONDS_A_BATCH) if cluster else None


def search_batches(
    search: LatentSearch,
    batches: Iterable[list[PhotoTask]],
    folder: Path,
    advance: Advance,
    map_chunks: "ChunkMapper | None" = None,
) -> Iterator[list[Found]]:
    """Search for every photo of every batch.

    Args:
        search: Latent search.
        batches: Taken one at a time, as there is somebody to search.
        folder: Receives the networks for as long as other processes need them.
        advance: Told the iterations done since the last call, of all searches.
        map_chunks: Maps work over the workers of a cluster; None searches here.

    Yields:
        Batches in any order.
    """
    if map_chunks is None:
        for batch in batches:
            yield _look_for(search, batch, advance)
        return
    _write(folder, search)
    work = RemoteSearch(
        folder, search.options, search.lam, search.seed, search.fingerprint
    )
    try:
        for (found,) in map_chunks(work, ([batch] for batch in batches)):
            num_faces = sum(len(one.task.faces) for one in found)
            advance(num_faces * search.iterations_per_photo)
            yield found
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass
class RemoteSearch:
    """Searches for batches of photos, in whatever process sees the folder.

    Attributes:
        folder: Holds the networks.
        options: Options of the search.
        lam: Weight of the perceptual loss.
        seed: Seed of all random numbers.
        fingerprint: Fingerprint of the search that has these networks.
    """

    folder: Path
    options: CompleteOptions
    lam: float
    seed: int
    fingerprint: str
    _search: LatentSearch | None = field(
        default=None, init=False, repr=False, compare=False
    )

    def start(self) -> None:
        """Read the networks.

        Raises:
            ModelError: If they are not whole, or of another search.
        """
        pair = read_pair(self.folder, "start the run again, which writes them")
        statistics = _read_statistics(self.folder / _STATISTICS)
        companions = Companions(
            statistics, read_encoder(self.folder), read_refiner(self.folder)
        )
        search = LatentSearch(*pair, self.options, self.lam, self.seed, companions)
        if search.fingerprint != self.fingerprint:
            raise ModelError(f"{self.folder} holds the networks of another search")
        self._search = search

    def __call__(self, item: list[PhotoTask]) -> list[Found]:
        """Search for the photos of a batch."""
        assert self._search is not None
        return _look_for(self._search, item)

    def failed(self, item: list[PhotoTask], reason: str) -> list[Found]:
        """Mark every photo of a batch whose process died, or hung."""
        return [Found(task, failure=reason) for task in item]


def _look_for(
    search: LatentSearch, batch: list[PhotoTask], advance: Advance | None = None
) -> list[Found]:
    faces = [face.measurement for task in batch for face in task.faces]
    candidates: list[tuple[Candidate, ...]] = []
    frames: list[tuple[np.ndarray, ...]] = []
    for chunk in groups(faces, search.options.batch_size):
        shown, watch = _collected()
        candidates += search.run(chunk, watch=watch, advance=advance)
        frames += zip(*shown, strict=True)
    found = []
    for task in batch:
        count = len(task.faces)
        found.append(Found(task, tuple(candidates[:count]), tuple(frames[:count])))
        candidates, frames = candidates[count:], frames[count:]
    return found


def _collected() -> tuple[list[np.ndarray], Watch]:
    """Make a watcher, and the list that it adds pictures to."""
    shown: list[np.ndarray] = []
    return shown, lambda _, generated: shown.append(generated)


def _write(folder: Path, search: LatentSearch) -> None:
    """Write what ``RemoteSearch.start`` reads."""
    for name, model in search.networks._asdict().items():
        write_model(model, folder / f"{name}.keras")
    statistics, encoder, refiner = search.companions
    if encoder is not None:
        write_bytes(folder / ENCODER_FILE, encoder.packed())
    # By it a face is fitted for what refines it afterwards.
    if refiner is not None:
        write_bytes(folder / REFINER_FILE, refiner.packed())
    if statistics is not None:
        arrays: dict[str, Any] = {
            "mean": statistics.mean,
            "components": statistics.components,
            "variances": statistics.variances,
            "num_faces": statistics.num_faces,
        }
        with replacing(folder / _STATISTICS, suffix=".npz") as temporary:
            np.savez(temporary, **arrays)


def _read_statistics(file: Path) -> FacePca | None:
    if not file.is_file():
        return None
    with np.load(file, allow_pickle=False) as archive:
        arrays = dict(archive)
    return FacePca(num_faces=int(arrays.pop("num_faces")), **arrays)
