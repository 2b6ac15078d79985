"""Searches by other processes find what this one would, and lose no photo."""

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from facefill.errors import ModelError
from facefill.inversion.search import LatentSearch
from facefill.models.companions import Companions
from facefill.models.dcgan import (
    Architecture,
    build_discriminator,
    build_encoder,
    build_generator,
)
from facefill.models.encoders import TrainedEncoder
from facefill.models.face_pca import measure
from facefill.models.files import weights_sha256
from facefill.models.refiner import FACTOR, build_refiner
from facefill.models.refiners import TrainedRefiner
from facefill.parameters import CompleteOptions
from facefill.runtime.parallel import chunk_mapper
from photos import map_here
from restoring import (
    OPTIONS,
    SIZE,
    WIDE_SHAPE,
    Project,
    completed,
    contents,
    place,
    place_two_faces,
    place_without_face,
    planned,
    write_hole,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    # Keras's own writer converts arrays the old way.
    pytest.mark.filterwarnings("ignore:__array__ impl:DeprecationWarning"),
]


def search_of(seed=1, *, with_encoder=False, with_refiner=False, **changes):
    architecture = Architecture(SIZE, 8, 4, 4)
    networks = build_generator(architecture, 1), build_discriminator(architecture, 1)
    encoder = refiner = None
    sha256 = weights_sha256(networks[0])
    if with_refiner:
        refiner = TrainedRefiner(build_refiner(FACTOR * SIZE, seed=1), sha256)
    if with_encoder:
        encoder = TrainedEncoder(build_encoder(SIZE, 8, 4, seed=1), sha256)
    options = OPTIONS.model_dump() | {"fit": "expected", "batch_size": 2} | changes
    draw = np.random.default_rng(0)
    faces = draw.integers(0, 256, (12, SIZE, SIZE, 3), np.uint8)
    return LatentSearch(
        *networks,
        CompleteOptions.model_validate(options),
        lam=0.5,
        seed=seed,
        companions=Companions(measure(faces, 4, draw), encoder, refiner),
    )


def complete(rows, folders, search, map_chunks=None):
    return completed(planned(rows, folders), folders, search, map_chunks).table


def map_here_after_the_journey(work, chunks):
    """Do the work in this process, as it would arrive in another one."""
    arrived = pickle.loads(pickle.dumps(work))
    arrived.start()
    yield from map_here(arrived, chunks)


def test_another_process_finds_the_same_to_the_byte_and_leaves_no_network(tmp_path):
    here, there = Project(tmp_path, "here"), Project(tmp_path, "there")
    rows = [place(here, f"{n}.png", n) for n in range(4)]
    rows += place_two_faces(here, "two.png")
    write_hole(here, "two.png", np.s_[12:24, 30:60], WIDE_SHAPE)
    rows.append(place_without_face(here, "none.png"))
    write_hole(here, "none.png", np.s_[10:20, 14:30])
    expected = complete(rows, here, search_of())
    assert expected["faces"].tolist() == [1] * 4 + [2, 2, 0]
    found = complete(rows, there, search_of(), chunk_mapper(1, None, 200.0))
    pd.testing.assert_frame_equal(found, expected)
    assert contents(there.output) == contents(here.output)
    assert contents(there.records).keys() == contents(here.records).keys()
    # What another process has found is not searched for again.
    again = complete(rows, there, search_of(), None)
    pd.testing.assert_frame_equal(again, expected)


def test_a_batch_whose_process_dies_is_rows_with_the_reason_and_tried_again(tmp_path):
    folders = Project(tmp_path)
    rows = [place(folders, f"{n}.png", n) for n in range(4)]

    def deadly(work, chunks):
        work.start()
        yield [work.failed(next(chunks)[0], "crashed")]
        yield from map_here(work, chunks)

    first = complete(rows, folders, search_of(), deadly)
    assert first["reason"].tolist() == ["crashed", "crashed", "", ""]
    second = complete(rows, folders, search_of(), map_here_after_the_journey)
    assert second["status"].tolist() == ["completed"] * 4


def test_an_encoder_that_was_trained_travels_along(tmp_path):
    here, there = Project(tmp_path, "here"), Project(tmp_path, "there")
    rows = [place(here, "a.png", 1), place(there, "a.png", 1)][:1]
    changes = {"encoder": True, "with_encoder": True}
    assert search_of(**changes).starts.are_encoded
    expected = complete(rows, here, search_of(**changes))
    found = complete(rows, there, search_of(**changes), map_here_after_the_journey)
    pd.testing.assert_frame_equal(found, expected)
    assert contents(there.output) == contents(here.output)
    without = complete(rows, here, search_of(encoder=True))
    assert without["contextual"].tolist() != expected["contextual"].tolist()


def test_what_is_to_be_refined_is_fitted_elsewhere_as_it_is_here(tmp_path):
    here, there = Project(tmp_path, "here"), Project(tmp_path, "there")
    rows = [place(here, "a.png", 1), place(there, "a.png", 1)][:1]
    changes = {"with_refiner": True, "refine": "picture", "fidelity": 0.5}
    assert search_of(**changes).refiner is not None
    expected = complete(rows, here, search_of(**changes))
    found = complete(rows, there, search_of(**changes), map_here_after_the_journey)
    pd.testing.assert_frame_equal(found, expected)
    assert contents(there.output) == contents(here.output)


def test_networks_of_another_search_are_refused(tmp_path):
    folders = Project(tmp_path)
    rows = [place(folders, "a.png")]

    def mistaken(work, chunks):
        yield from map_here_after_the_journey(replace(work, seed=2), chunks)

    with pytest.raises(ModelError, match="networks of another search"):
        complete(rows, folders, search_of(), mistaken)
    assert not (folders.records / "networks").exists()
