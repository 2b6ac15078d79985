"""Starts of a search: latents of an encoder, of a bank of faces, or random ones."""

import keras
import numpy as np

from facefill.backend import devices
from facefill.inversion.encoder import Encoder, encoder_of
from facefill.inversion.latent_bank import LatentBank
from facefill.inversion.latents import first_latent
from facefill.inversion.measurement import Measurement
from facefill.models.encoders import TrainedEncoder
from facefill.parameters import CompleteOptions


class Starts:
    """Chooses the latents at which the searches for a face begin."""

    def __init__(
        self,
        generator: keras.Model,
        options: CompleteOptions,
        seed: int,
        trained: TrainedEncoder | None = None,
    ) -> None:
        """Load the encoder, if the options want one and there is one.

        Args:
            generator: G.
            options: Options of the search.
            seed: Seed of the bank and of random latents.
            trained: Encoder that a training has made, if there is one.
        """
        self._generator = generator
        self._options = options
        self._seed = seed
        self._encoder: Encoder | None = None
        if options.begins_encoded:
            self._encoder = encoder_of(generator, trained)
        self._bank: LatentBank | None = None

    @property
    def are_encoded(self) -> bool:
        """Whether an encoder gives the first of them."""
        return self._encoder is not None

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the encoder's weights; empty if there is none."""
        return self._encoder.fingerprint if self._encoder else ""

    @property
    def bank(self) -> LatentBank:
        """Bank of generated faces, made when first asked for."""
        if self._bank is None:
            with devices.on_device(self._options.device):
                self._bank = LatentBank(
                    self._generator, self._options.bank_size, self._seed
                )
        return self._bank

    def latents(self, measurement: Measurement) -> np.ndarray:
        """Starts for one face, float32 (num_starts, latent_size), the best first."""
        count = self._options.num_starts
        if self._encoder is None:
            return self._without_encoder(measurement, count)
        encoded = self._encoder.latent(measurement)[None]
        if count == 1:
            return encoded
        others = self._without_encoder(measurement, count - 1)
        return np.concatenate([encoded, others])

    def _without_encoder(self, measurement: Measurement, count: int) -> np.ndarray:
        if self._options.bank_size:
            return self.bank.nearest(measurement, count)
        size = self._generator.input_shape[1]
        return np.stack(
            [
                first_latent(self._seed, measurement.key, size, start)
                for start in range(count)
            ]
        )
