"""Samples are compared with held-out faces, and copies of training faces found."""

import logging

import cv2
import numpy as np
import pandas as pd
import pytest

from facefill.evaluation import face_descriptors
from facefill.evaluation.distances import (
    frechet_distance,
    kernel_distance,
    mean_pairwise_distance,
)
from facefill.evaluation.held_out import different_people_first
from facefill.evaluation.sample_quality import SampleQuality, assessor, pixel_diversity
from facefill.parameters import AlignOptions, TrainOptions
from facefill.preparation.flattening import FaceSet
from photos import face_photo


def faces(count, seed=0):
    """Cut the astronaut at places and in colours of the draw: all different."""
    draw = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        top, left = draw.integers(30, 70, 2)
        crop = face_photo()[top : top + 110, left : left + 110]
        face = cv2.resize(crop, (16, 16), interpolation=cv2.INTER_AREA)
        found.append(face * draw.uniform(0.5, 1.0, 3))
    return np.array(found, np.uint8)


@pytest.fixture(scope="module")
def held_out():
    return faces(12)


def test_distances_are_those_of_descriptors_beside_their_floor(held_out):
    found = face_descriptors.describe(held_out)
    real, others = found[:6], found[6:]
    samples = faces(6, seed=1)
    drawn = face_descriptors.describe(samples)
    one = SampleQuality(held_out, count=6)
    values = one.assess(samples)
    assert one.count == 6
    assert values == pytest.approx(
        {
            "face_frechet": frechet_distance(drawn, real),
            "face_frechet_floor": frechet_distance(others, real),
            "face_kernel": kernel_distance(drawn, real),
            "face_kernel_floor": kernel_distance(others, real),
            "face_diversity": mean_pairwise_distance(drawn)
            / mean_pairwise_distance(real),
        }
    )
    noise = np.random.default_rng(0).integers(0, 256, samples.shape, np.uint8)
    assert one.assess(noise)["face_frechet"] > 2 * values["face_frechet"]


def test_fewer_held_out_faces_give_fewer_samples(held_out):
    assert SampleQuality(held_out[:9], count=12).count == 4


def test_descriptors_are_kept_and_found_again_and_a_damaged_file_is_not_believed(
    tmp_path, held_out
):
    few = held_out[:4]
    first = SampleQuality(few, 2, cache=tmp_path).assess(few[:2])
    (kept,) = tmp_path.iterdir()
    assert np.array_equal(np.load(kept), face_descriptors.describe(few))
    np.save(kept, 2.0 * np.load(kept))
    assert SampleQuality(few, 2, cache=tmp_path).assess(few[:2]) != first
    kept.write_bytes(kept.read_bytes()[:100])
    assert SampleQuality(few, 2, cache=tmp_path).assess(few[:2]) == first
    SampleQuality(few[::-1], 2, cache=tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_copies_of_training_faces_are_found_mirrored_or_not(held_out):
    training = faces(6, seed=5)
    copies = training[[4, 1, 3]]
    copies[1] = copies[1][:, ::-1]
    values, strip = SampleQuality(held_out[:4], 2).nearest(copies, training)
    # Pictures in two rows, two white pixels between them.
    rows = strip[18:34]
    for place, row in enumerate((4, 1, 3)):
        assert np.array_equal(rows[:, 18 * place : 18 * place + 16], training[row])
    assert values["nearest_sample"] < 0.5 * values["nearest_held_out"]


def test_diversity_is_one_for_photos_and_nothing_for_equal_samples():
    photos = faces(40, seed=6)
    assert pixel_diversity(photos, photos) == pytest.approx(1.0)
    assert pixel_diversity(np.repeat(photos[:1], 8, axis=0), photos) < 1e-4
    brighter = np.stack([photos[0] // 2 + 20 * step for step in range(4)])
    assert pixel_diversity(brighter, photos) < 0.1


def table(people, photos, split="validation"):
    ids = [f"{person:02d}/{photo}.jpg" for person in people for photo in range(photos)]
    return pd.DataFrame({"id": ids, "source": ids, "split": split})


def face_set(rows):
    pixels = np.arange(len(rows), dtype=np.uint8)[:, None, None, None]
    return FaceSet(np.tile(pixels, (1, 16, 16, 3)), rows)


def test_each_face_is_of_another_person_as_long_as_there_are_people():
    rows = pd.concat([table(range(5), 9), table(range(5, 20), 9, "train")])
    chosen = different_people_first(face_set(rows), "validation", seed=1)
    assert sorted(chosen) == list(range(45))
    assert sorted(chosen[:5] // 9) == [0, 1, 2, 3, 4]
    other = different_people_first(face_set(rows), "validation", seed=2)
    assert list(other[:5]) != list(chosen[:5])


def test_too_few_held_out_faces_or_no_wish_leave_the_training_without(tmp_path, caplog):
    caplog.set_level(logging.INFO)

    def made(people, side="validation", **changes):
        options = TrainOptions.model_validate({"evaluate_samples": 16} | changes)
        faces = face_set(table(range(people), 1, side))
        return assessor(faces, options, AlignOptions(), 1, tmp_path)

    assert made(31) is None
    assert "31 faces are held out for validation, and 32 are needed" in caplog.text
    assert made(40, side="test") is None
    assert made(40, evaluate_every=0) is None
    assert made(32).count == 16
