"""Who is reported on: nobody from whom anything that completes has learnt."""

import json
import logging
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from facefill.evaluation import seen_faces
from facefill.evaluation.completions import baselines_of, hold_out
from facefill.evaluation.held_out import EVERYONE, people_of
from facefill.evaluation.seen_faces import (
    SEEN,
    SEEN_MANIFEST,
    are_seen,
    describe_model,
    pixel_hashes,
    reported_side,
    warn_of_seen,
)
from facefill.imaging.masks import build_mask
from facefill.imaging.photos import read_photo
from facefill.inversion.measurement import Measurement
from facefill.models import pretrained
from facefill.models.companions import Companions
from facefill.models.face_pca import measure
from facefill.parameters import AlignOptions
from facefill.preparation.extraction import extract
from facefill.preparation.face_set import FaceSet
from facefill.preparation.splits import TEST, TRAIN, split
from facefill.runtime.packaged_files import FOLDER
from loading import tool
from searching import networks_of

SIZE = 64
ship = tool("ship_seen_faces").ship


def face_set(ids, splits, seed=0):
    shape = (len(ids), SIZE, SIZE, 3)
    images = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
    return FaceSet(
        images, pd.DataFrame({"id": ids, "source": ids, "split": list(splits)})
    )


def own_photos(people=10, photos=2):
    """Photos of people, one in ten of whom is held out to report."""
    ids = [f"{n:02d}/{k}.jpg" for n in range(people) for k in range(photos)]
    sides = [TEST if number < photos else TRAIN for number in range(len(ids))]
    return face_set(ids, sides)


@pytest.fixture(scope="module")
def generator():
    return pretrained.load("generator")


@pytest.fixture(scope="module")
def shipped():
    return Companions(pretrained.load_statistics())


def test_the_list_that_is_shipped_is_that_of_the_card():
    described = json.loads((FOLDER / SEEN_MANIFEST).read_text())
    hashes = np.load(FOLDER / SEEN, allow_pickle=False)

    assert hashes.dtype == np.uint64
    assert len(hashes) == described["faces"] == 37_562
    assert np.all(hashes[1:] > hashes[:-1])
    card = (FOLDER / "MODEL_CARD.md").read_text()
    assert "28,379 faces that differ" in card
    assert "with either border, 37,562 that differ" in card


def test_a_face_is_known_by_every_one_of_its_pixels(tmp_path, monkeypatch):
    faces = own_photos().images
    assert not are_seen(faces).any()

    assert ship(np.concatenate([faces[:5], faces[:2]]), tmp_path) == 5
    monkeypatch.setattr(seen_faces, "FOLDER", tmp_path)

    assert are_seen(faces).tolist() == [True] * 5 + [False] * 15
    changed = faces[:5].copy()
    changed[3, 63, 63, 2] ^= 1
    assert are_seen(changed).tolist() == [True, True, True, False, True]
    assert len(set(pixel_hashes(faces).tolist())) == 20


@pytest.mark.lfw
@pytest.mark.skipif("FACEFILL_LFW" not in os.environ, reason="FACEFILL_LFW is not set")
def test_photos_of_lfw_are_known_by_whom_the_model_was_trained_on():
    root = Path(os.environ["FACEFILL_LFW"])
    names = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.jpg"))
    sides = np.array(split(names, names, 0.1, 1))
    chosen = [
        *np.flatnonzero(sides == TRAIN)[::2000],
        *np.flatnonzero(sides != TRAIN)[::300],
    ]
    faces, trained = [], []
    for number in chosen:
        photo = read_photo(root / names[number])
        found = extract(photo, AlignOptions(), SIZE).faces
        if found and not found[0].reason:
            faces.append(found[0].pixels)
            trained.append(sides[number] == TRAIN)

    assert sum(trained) > 4
    assert len(trained) - sum(trained) > 3
    assert are_seen(np.stack(faces)).tolist() == trained


def test_of_few_own_photos_the_pretrained_model_is_reported_on_all(generator, shipped):
    faces = own_photos()

    assert reported_side(faces, 32, generator, shipped) == EVERYONE
    assert reported_side(faces, 3, generator, shipped) == EVERYONE
    # Two are held out to report.
    assert reported_side(faces, 2, generator, shipped) == TEST


def test_nobody_is_reported_on_from_whom_anything_has_learnt(
    generator, shipped, tmp_path, monkeypatch
):
    faces = own_photos()
    own = Companions(measure(faces.images, 4, np.random.default_rng(0)))
    trained, _ = networks_of()

    assert reported_side(faces, 32, trained, shipped) == TEST
    assert reported_side(faces, 32, generator, own) == TEST
    alone = face_set(["a/1.jpg"], [TEST])
    assert reported_side(alone, 32, generator, shipped) == TEST
    ship(faces.images[7:8], tmp_path)
    monkeypatch.setattr(seen_faces, "FOLDER", tmp_path)
    assert reported_side(faces, 32, generator, shipped) == TEST


def test_faces_of_the_training_are_counted_and_said(
    generator, tmp_path, monkeypatch, caplog
):
    faces = own_photos().images
    ship(faces[4:7], tmp_path)
    monkeypatch.setattr(seen_faces, "FOLDER", tmp_path)

    described = describe_model(generator, faces)
    assert described["seen_in_training"] == 3
    assert described["model"]["source"] == "pretrained"
    # Its completions are refined by a network that has learnt from them.
    other = describe_model(networks_of()[0], faces)
    assert other["seen_in_training"] == 3
    assert other["model"]["source"] == "trained"

    with caplog.at_level(logging.WARNING):
        warn_of_seen({"faces": 20, "seen_in_training": 0})
        warn_of_seen({"faces": 20})
        assert not caplog.records
        warn_of_seen({"faces": 20, "seen_in_training": 3})
    assert "3 of the 20 faces" in caplog.text


def test_a_baseline_has_learnt_from_nobody_whom_it_completes():
    faces = own_photos()
    held_out = hold_out(faces, 32, seed=1, side=EVERYONE)

    assert sorted(held_out.keys) == sorted(faces.table["id"])
    both = (held_out.train, held_out.crossed)
    assert sum(map(len, both)) == 20
    people = people_of(faces)
    first = {people[list(faces.table["id"]).index(key)] for key in held_out.keys}
    assert len(first) == 10
    draw = np.random.default_rng(0)
    baselines = baselines_of(held_out, ["mean_face", "nearest_face", "pca"], draw)
    mask = build_mask("center", SIZE)
    hashes = [set(pixel_hashes(part).tolist()) for part in both]
    for own, key, face, is_first in zip(
        baselines, held_out.keys, held_out.faces, held_out.is_first, strict=True
    ):
        filled = own.fill(Measurement(key, face, mask))
        assert set(filled) == {"mean_face", "nearest_face", "pca"}
        # Faces are noise: only the face itself would fit its known pixels.
        assert not np.array_equal(filled["nearest_face"], face)
        learnt, other = (hashes[1], hashes[0]) if is_first else (hashes[0], hashes[1])
        (own_hash,) = pixel_hashes(face[None]).tolist()
        assert own_hash not in learnt
        assert own_hash in other


def test_two_people_of_one_photo_each_are_enough():
    faces = face_set(["a/1.jpg", "b/1.jpg"], [TRAIN, TEST])
    held_out = hold_out(faces, 32, seed=1, side=EVERYONE)
    draw = np.random.default_rng(0)
    mask = build_mask("center", SIZE)
    for own, key, face in zip(
        baselines_of(held_out, ["nearest_face", "pca"], draw),
        held_out.keys,
        held_out.faces,
        strict=True,
    ):
        filled = own.fill(Measurement(key, face, mask))
        assert set(filled) == {"nearest_face"}
        assert not np.array_equal(filled["nearest_face"], face)
