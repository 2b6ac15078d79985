"""The same search in PyTorch, channels last, Adam on the device."""

from collections.abc import Callable

import numpy as np
import torch
from torch.nn.functional import softplus

from facefill.imaging.masks import build_mask
from recipes import ITERATIONS, LAM, LATENT_SIZE
from recipes.pytorch import build_discriminator, build_generator


def rounds_of_iterations(
    faces: np.ndarray, batch_size: int, precision: str
) -> Callable[[], object]:
    """Search for a batch of faces with a hole in the middle."""
    torch.manual_seed(1)
    generator, discriminator = build_generator().eval(), build_discriminator().eval()
    for network in (generator, discriminator):
        network.requires_grad_(requires_grad=False)
    photos = torch.from_numpy(faces[:batch_size] / 127.5 - 1).float()
    photos = photos.permute(0, 3, 1, 2)
    known = torch.from_numpy(build_mask("center", faces.shape[1])).float()
    draw = np.random.default_rng(1)
    start = draw.uniform(-1, 1, (batch_size, LATENT_SIZE)).astype(np.float32)
    use_bfloat16 = precision == "mixed_bfloat16"

    def round_of_iterations() -> None:
        latents = torch.from_numpy(start.copy()).requires_grad_()
        optimizer = torch.optim.Adam([latents], 0.01, (0.9, 0.999), fused=True)
        for _ in range(ITERATIONS):
            with torch.autocast("cpu", torch.bfloat16, use_bfloat16):
                pictures = generator(latents)
                logits = discriminator(pictures)
            missing = (known * (pictures.float() - photos)).abs().sum((1, 2, 3))
            loss = missing.sum() + LAM * softplus(-logits.float()).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                latents.clamp_(-1, 1)

    return round_of_iterations
