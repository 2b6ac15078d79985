"""The same networks and the same rule as ours, in PyTorch, channels last."""

import itertools
import sys
from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn.functional import softplus

from facefill.parameters import TrainOptions
from facefill.training.batches import batches
from recipes import LATENT_SIZE, STEPS

WIDTHS = (512, 256, 128, 64)
AVERAGE_DECAY = 0.999

# What PyTorch compiles for GPUs with crashes where TensorFlow's LLVM is loaded, as Adam
# is made; without it PyTorch does the same on a CPU.
sys.modules.setdefault("triton", None)  # type: ignore[arg-type]


def build_generator() -> nn.Module:
    """As ``facefill.models.dcgan.build_generator``, channels first in name only."""
    layers: list[nn.Module] = [
        nn.Linear(LATENT_SIZE, 16 * WIDTHS[0], bias=False),
        nn.Unflatten(1, (WIDTHS[0], 4, 4)),
    ]
    for wider, width in zip(WIDTHS, (*WIDTHS[1:], 3), strict=True):
        layers += [nn.BatchNorm2d(wider, 1e-5, 0.1), nn.ReLU()]
        layers.append(
            nn.ConvTranspose2d(wider, width, 5, 2, 2, output_padding=1, bias=width == 3)
        )
    network = nn.Sequential(*layers, nn.Tanh())
    return network.to(memory_format=torch.channels_last)


def build_discriminator() -> nn.Module:
    """As ``facefill.models.dcgan.build_discriminator``."""
    narrow = WIDTHS[::-1]
    layers: list[nn.Module] = [nn.Conv2d(3, narrow[0], 5, 2, 2), nn.LeakyReLU(0.2)]
    for width, wider in itertools.pairwise(narrow):
        layers.append(nn.Conv2d(width, wider, 5, 2, 2, bias=False))
        layers += [nn.BatchNorm2d(wider, 1e-5, 0.1), nn.LeakyReLU(0.2)]
    network = nn.Sequential(*layers, nn.Flatten(), nn.Linear(16 * WIDTHS[0], 1))
    return network.to(memory_format=torch.channels_last)


class Training:
    """Both networks updated from the same passes, and an average of G."""

    def __init__(self, precision: str) -> None:
        """Build the networks and their optimisers."""
        torch.manual_seed(1)
        self._use_bfloat16 = precision == "mixed_bfloat16"
        self._generator, self._discriminator = build_generator(), build_discriminator()
        self._average = [value.clone() for value in self._values()]
        self._optimizers = [
            torch.optim.Adam(network.parameters(), 2e-4, (0.5, 0.999), fused=True)
            for network in (self._generator, self._discriminator)
        ]

    def _values(self) -> list[torch.Tensor]:
        values = self._generator.state_dict().values()
        return [value for value in values if value.is_floating_point()]

    def step(self, images: np.ndarray, latents: np.ndarray, flips: np.ndarray) -> None:
        """Take a step on photos, uint8 (N, S, S, 3)."""
        photos = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1
        turned = torch.from_numpy(flips)[:, None, None, None]
        photos = torch.where(turned, photos.flip(3), photos)
        with torch.autocast("cpu", torch.bfloat16, self._use_bfloat16):
            pictures = self._generator(torch.from_numpy(latents))
            real, fake = self._discriminator(photos), self._discriminator(pictures)
        real, fake = real.float(), fake.float()
        loss_d = softplus(-real).mean() + softplus(fake).mean()
        loss_g = softplus(-fake).mean()
        for network, loss in (
            (self._discriminator, loss_d),
            (self._generator, loss_g),
        ):
            weights = list(network.parameters())
            found = torch.autograd.grad(loss, weights, retain_graph=True)
            for weight, gradient in zip(weights, found, strict=True):
                weight.grad = gradient
        for optimizer in self._optimizers:
            optimizer.step()
        with torch.no_grad():
            for old, new in zip(self._average, self._values(), strict=True):
                old.lerp_(new, 1 - AVERAGE_DECAY)


def rounds_of_steps(
    faces: np.ndarray, batch_size: int, precision: str
) -> Callable[[], object]:
    """Train on the batches that our loader gives."""
    options = TrainOptions(batch_size=batch_size, max_steps=10**6, steps_per_call=STEPS)
    stacks = batches(faces, options, seed=1, first=0)
    training = Training(precision)

    def round_of_steps() -> None:
        stack = next(stacks)
        for row in range(STEPS):
            training.step(stack.images[row], stack.latents[row], stack.flips[row])

    return round_of_steps
