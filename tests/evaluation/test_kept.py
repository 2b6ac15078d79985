"""An evaluation comes back as it was, and not for other faces or settings."""

import numpy as np
import pandas as pd
import pytest

from facefill.evaluation import kept
from facefill.imaging.pictures import decode_png
from facefill.models.companions import Companions
from facefill.models.dcgan import (
    Architecture,
    build_discriminator,
    build_encoder,
    build_generator,
)
from facefill.models.encoders import TrainedEncoder
from facefill.models.face_pca import FacePca
from facefill.parameters import (
    AlignOptions,
    CompleteOptions,
    EvaluateOptions,
    IngestOptions,
)
from facefill.preparation.face_set import FaceSet

SMALL = Architecture(
    image_size=16, latent_size=4, generator_width=2, discriminator_width=2
)


def test_table_report_and_figures_come_back():
    table = pd.DataFrame({"mask": ["left", "center"], "psnr": [1.5, np.nan]})
    report = {"faces": 2, "rows": [{"mask": "left", "psnr": 0.1 + 0.2}]}
    picture = np.random.default_rng(0).integers(0, 256, (5, 6, 3), np.uint8)
    files = kept.pack(table, report, {"left.png": picture})
    back, said, figures = kept.unpack(files)

    pd.testing.assert_frame_equal(back, table)
    assert said == report
    assert np.array_equal(decode_png(figures["left.png"]), picture)


@pytest.fixture(scope="module")
def parts():
    table = pd.DataFrame({"id": ["a", "b"], "split": ["train", "held_out"]})
    faces = FaceSet(np.zeros((2, 16, 16, 3), np.uint8), table)
    return {
        "faces": faces,
        "networks": (build_generator(SMALL, 0), build_discriminator(SMALL, 0)),
        "companions": Companions(),
        "settings": (
            EvaluateOptions(),
            CompleteOptions(),
            AlignOptions(),
            IngestOptions(),
        ),
        "numbers": (0.1, 1, "test"),
        "photos": ["a.png"],
    }


def other_faces(parts):
    images = parts["faces"].images.copy()
    images[1, 0, 0, 0] = 1
    return {"faces": FaceSet(images, parts["faces"].table)}


def other_split(parts):
    table = parts["faces"].table.assign(split="held_out")
    return {"faces": FaceSet(parts["faces"].images, table)}


def other_encoder(_):
    encoder = TrainedEncoder(build_encoder(16, 4, 2), "ab" * 32)
    return {"companions": Companions(encoder=encoder)}


def other_statistics(_):
    components = np.ones((1, 16, 16, 3), np.float32)
    statistics = FacePca(components[0], components, np.ones(1), 2)
    return {"companions": Companions(statistics=statistics)}


def other_settings(place, options):
    def change(parts):
        settings = list(parts["settings"])
        settings[place] = options
        return {"settings": tuple(settings)}

    return change


@pytest.mark.parametrize(
    "change",
    [
        other_faces,
        other_split,
        lambda _: {"networks": (build_generator(SMALL, 1), _["networks"][1])},
        other_encoder,
        lambda _: {"numbers": (0.2, 1, "test")},
        lambda _: {"numbers": (0.1, 2, "test")},
        lambda _: {"numbers": (0.1, 1, "everyone")},
        other_statistics,
        other_settings(0, EvaluateOptions(count=3)),
        other_settings(1, CompleteOptions(fidelity=0.5)),
        other_settings(2, AlignOptions(border="mirror")),
        other_settings(3, IngestOptions(max_pixels=10)),
        lambda _: {"photos": []},
    ],
)
def test_whatever_an_evaluation_depends_on_is_in_its_key(parts, change):
    same = kept.key_of_evaluation(**parts)

    assert kept.key_of_evaluation(**parts) == same
    assert kept.key_of_evaluation(**(parts | change(parts))) != same
