"""Quality of an encoder: how near to held-out faces its latents begin a search."""

from typing import Any

import keras
import numpy as np

from facefill.errors import DataError
from facefill.evaluation.completions import hold_out
from facefill.evaluation.metrics import hole_psnr
from facefill.imaging.masks import build_mask
from facefill.inversion.encoder import Encoder
from facefill.inversion.latent_bank import LatentBank
from facefill.inversion.measurement import Measurement
from facefill.models.encoders import TrainedEncoder
from facefill.models.generation import generate
from facefill.preparation.face_set import FaceSet
from facefill.preparation.splits import VALIDATION

NUMBERS = ("hole_psnr", "bank_hole_psnr")
"""Names of what is measured of an encoder."""

_NUM_FACES = 64
_BANK_SIZE = 512


def report(
    trained: TrainedEncoder, generator: keras.Model, faces: FaceSet, seed: int
) -> dict[str, Any]:
    """Summarise an encoder as JSON.

    Args:
        trained: The encoder.
        generator: Its generator.
        faces: All faces; those of the validation side are encoded, their centres
            hidden.
        seed: Seed of the choice and of the bank.

    Returns:
        Which networks they are, and the mean PSNR in the hole, in dB, of what the
        generator makes of the encoder's latents (``hole_psnr``), and of the nearest of
        a bank of generated faces (``bank_hole_psnr``); without held-out faces neither.
    """
    summary: dict[str, Any] = {
        "generator_sha256": trained.generator_sha256,
        "encoder_sha256": trained.fingerprint,
    }
    try:
        held_out = hold_out(faces, _NUM_FACES, seed, VALIDATION)
    except DataError:
        return summary
    mask = build_mask("center", held_out.faces.shape[1])
    encoder, bank = Encoder(trained.network), LatentBank(generator, _BANK_SIZE, seed)
    measurements = [
        Measurement(key, face, mask)
        for key, face in zip(held_out.keys, held_out.faces, strict=True)
    ]
    latents = (
        [encoder.latent(each) for each in measurements],
        [bank.nearest(each, 1)[0] for each in measurements],
    )
    for name, values in zip(NUMBERS, latents, strict=True):
        pictures = generate(generator, np.stack(values))
        scores = [
            hole_psnr(face, picture, mask)
            for face, picture in zip(held_out.faces, pictures, strict=True)
        ]
        summary[name] = float(np.mean(scores))
    return summary
