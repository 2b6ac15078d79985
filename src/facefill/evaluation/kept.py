"""Evaluation as files, kept until what it depends on changes."""

import io
import json
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import pandas as pd

from facefill.evaluation import perceptual
from facefill.imaging.pictures import encode_png
from facefill.models.companions import Companions
from facefill.models.files import weights_sha256
from facefill.models.refinement import shipped_refiner
from facefill.parameters import (
    AlignOptions,
    CompleteOptions,
    EvaluateOptions,
    IngestOptions,
)
from facefill.preparation.face_set import FaceSet, pixel_digest
from facefill.preparation.splits import TEST
from facefill.runtime.remembered import key_of
from facefill.runtime.tables import as_parquet

_TABLE, _REPORT, _FIGURES = "table.parquet", "report.json", "figures/"


def key_of_evaluation(
    faces: FaceSet,
    networks: tuple[keras.Model, keras.Model],
    companions: Companions,
    settings: tuple[EvaluateOptions, CompleteOptions, AlignOptions, IngestOptions],
    numbers: tuple[float, int, str],
    photos: list[str],
) -> str:
    """Hash all that an evaluation depends on.

    Args:
        faces: Of all splits.
        networks: Generator and discriminator.
        companions: Statistics of faces, an encoder and a refiner, if there are any.
        settings: Options of the evaluation, of completion and of alignment, and limits
            of the photos.
        numbers: ``lam``, the seed, and whose faces are reported.
        photos: Faces whose photos are there.
    """
    rows = pd.util.hash_pandas_object(faces.table, index=False).to_numpy()
    return key_of(
        pixel_digest(faces.images),
        rows.tolist(),
        [weights_sha256(network) for network in networks],
        companions.fingerprint,
        [options.model_dump(mode="json") for options in settings],
        photos,
        # What it was before anybody but the test's people was reported.
        numbers[:2] if numbers[2] == TEST else numbers,
        _judges(settings[1], faces.images.shape[1]),
    )


def _judges(options: CompleteOptions, image_size: int) -> list[str]:
    """What an evaluation depends on that comes with facefill, or is installed."""
    refiner = shipped_refiner(options, image_size)
    return [refiner.fingerprint if refiner else "", perceptual.missing()]


def pack(
    table: pd.DataFrame, report: Mapping[str, Any], figures: Mapping[str, np.ndarray]
) -> dict[str, bytes]:
    """Encode an evaluation as files by name."""
    pictures = {
        f"{_FIGURES}{name}": encode_png(picture) for name, picture in figures.items()
    }
    named = {_TABLE: as_parquet(table), _REPORT: json.dumps(report).encode()}
    return named | pictures


def unpack(
    files: Mapping[str, bytes],
) -> tuple[pd.DataFrame, dict[str, Any], dict[str, bytes]]:
    """Decode what ``pack`` made; figures stay the bytes of their files."""
    figures = {
        name.removeprefix(_FIGURES): content
        for name, content in files.items()
        if name.startswith(_FIGURES)
    }
    table = pd.read_parquet(io.BytesIO(files[_TABLE]))
    return table, json.loads(files[_REPORT]), figures
