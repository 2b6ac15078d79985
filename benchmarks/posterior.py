r"""Whether the intervals of ``complete.method: hmc`` hold what they promise.

Usage::

    python benchmarks/posterior.py [--count 20] [--skip 0] [--mask center]
        [--hmc '{"draws": 200}' ...] [--complete '{"batch_size": 64}']
        [--faces data/05_model_input/faces.npy] [--pictures FOLDER]

Without ``--faces`` the faces are drawn from the pretrained model with the noise of the
model, so that 90 % intervals must hold 90 % of the hidden pixels; with it they are
held-out photos, one a person. Each ``--hmc`` is a row of the table, of parameters in
place of the defaults. ``within`` is the share of the face's own hidden pixels in the
maps ``low`` to ``high``; ``G within`` that of the pixels of G(z) that the face was made
of (of the photo's own, with ``--faces``) in the interval of the chains without noise;
``u within`` that of the coordinates of u. Two cores need minutes for each face.
"""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from facefill.evaluation import metrics
from facefill.imaging.compositing import complete_face, poisson_blend
from facefill.imaging.masks import hide
from facefill.imaging.pictures import grid, write_png
from facefill.imaging.tasks import task_of
from facefill.inversion.candidates import Candidate
from facefill.inversion.hmc.summary import HIGH, LOW
from facefill.inversion.latents import to_variables
from facefill.inversion.measurement import Measurement
from facefill.inversion.search import LatentSearch
from facefill.models import pretrained
from facefill.models.companions import Companions
from facefill.models.generation import generate
from facefill.parameters import CompleteOptions, MaskName
from facefill.runtime import rng
from support.calibration import coverage, laplace_scale

SEED = 1


@dataclass(frozen=True)
class Faces:
    """What is completed, and what it was made of if it was drawn from the model."""

    faces: np.ndarray
    generated: np.ndarray
    variables: np.ndarray | None

    def after(self, count: int) -> "Faces":
        """Leave the first out."""
        variables = None if self.variables is None else self.variables[count:]
        return Faces(self.faces[count:], self.generated[count:], variables)


def draw_faces(generator: Any, count: int, noise: float) -> Faces:
    """Draw faces from the model, with its noise."""
    draw = np.random.default_rng(SEED)
    latents = rng.uniform_latents(draw, count, generator.input_shape[1])
    generated = generate(generator, latents)
    noisy = generated + [
        np.random.default_rng([SEED, place]).laplace(0.0, noise, picture.shape)
        for place, picture in enumerate(generated)
    ]
    faces = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
    return Faces(faces, generated, to_variables(latents, "normal"))


def read_faces(path: Path, count: int) -> Faces:
    """Read held-out faces of a training set, or all of an array without a table."""
    if path.with_suffix(".parquet").exists():
        from facefill.evaluation.completions import hold_out
        from facefill.preparation.face_set import read_face_set

        faces = hold_out(read_face_set(path), count, SEED).faces
    else:
        faces = np.load(path)[:count]
    return Faces(faces, faces, None)


def measure(
    found: Candidate, target: Measurement, faces: Faces, place: int
) -> dict[str, float]:
    """Measure one face; figures by name."""
    posterior, diagnosis, hole = found.posterior, found.diagnosis, ~target.mask
    assert posterior is not None
    assert diagnosis is not None
    # Chains that sample a posterior tell these.
    assert diagnosis.step_size is not None
    assert diagnosis.effective_size is not None
    assert diagnosis.median_effective_size is not None
    draws = posterior.draws
    figures = {
        "acceptance": diagnosis.acceptance,
        "step": diagnosis.step_size,
        "R-hat": diagnosis.r_hat or np.inf,
        "ESS": diagnosis.effective_size,
        "ESS median": diagnosis.median_effective_size,
        "divergences": diagnosis.divergences,
        "within": coverage(
            posterior.low[hole], posterior.high[hole], faces.faces[place][hole]
        ),
        "deviation": float(posterior.deviation[hole].mean()),
        "noise": laplace_scale([found.generated], [target.face], [target.mask]),
    }
    if faces.variables is not None:
        flat = draws.variables.reshape(-1, draws.variables.shape[-1])
        low, high = np.quantile(flat, [LOW, HIGH], axis=0)
        figures["u within"] = coverage(low, high, faces.variables[place])
    return figures


def measure_pictures(
    found: Candidate, target: Measurement, truth: np.ndarray, pictures: np.ndarray
) -> dict[str, float]:
    """Measure the mean and draws as completions, raw and as they are delivered."""
    face, mask = target.face, target.mask
    hole = ~mask
    low, high = np.quantile(pictures[:, hole], [LOW, HIGH], axis=0)
    assert found.posterior is not None
    best = pictures[int(found.posterior.draws.energies.argmin())]
    shown = {"mean": found.generated, "best": best, "draw": pictures[-1]}
    figures = {"G within": coverage(low, high, truth[hole])}
    for name, picture in shown.items():
        completed = complete_face(face, picture, mask)
        blended = poisson_blend(face, picture, mask)
        figures[f"{name} PSNR"] = metrics.hole_psnr(face, completed, mask)
        figures[f"{name} blended"] = metrics.hole_psnr(face, blended, mask)
        figures[f"{name} SSIM"] = metrics.ssim(face, blended)
    fitted = poisson_blend(face, found.fitted, mask)
    return figures | {"fitted": metrics.hole_psnr(face, fitted, mask)}


def sheet(found: Candidate, target: Measurement, pictures: np.ndarray) -> np.ndarray:
    """Lay out a face: known, true, mean, best, draws, deviation, low, high."""
    posterior = found.posterior
    assert posterior is not None
    best = pictures[int(posterior.draws.energies.argmin())]
    draws = pictures[np.linspace(0, len(pictures) - 1, 4).astype(int)]
    deviation = np.clip(posterior.deviation * 6.0, 0, 255).astype(np.uint8)
    row = [hide(target.face, target.mask), target.face, found.generated, best, *draws]
    blended = poisson_blend(target.face, found.generated, target.mask)
    fitted = poisson_blend(target.face, found.fitted, target.mask)
    return np.stack([*row, deviation, posterior.low, posterior.high, blended, fitted])


def run(
    changes: dict[str, Any], faces: Faces, options: CompleteOptions, mask: MaskName
) -> tuple[dict[str, float], np.ndarray]:
    """Sample the posterior of every face; give means of the figures, and sheets."""
    pair = pretrained.load_pair()
    size = faces.faces.shape[1]
    task = task_of(mask, size, options)
    targets = [
        Measurement(f"face-{place}", face, *task)
        for place, face in enumerate(faces.faces)
    ]
    values = options.model_dump() | {"hmc": options.hmc.model_dump() | changes}
    changed = CompleteOptions.model_validate(values)
    companions = Companions(pretrained.load_statistics())
    search = LatentSearch(*pair, changed, 0.1, SEED, companions)
    started = time.perf_counter()
    all_found = [found for found, *_ in search.run(targets)]
    seconds = (time.perf_counter() - started) / len(targets)
    rows, sheets = [], []
    for place, (found, target) in enumerate(zip(all_found, targets, strict=True)):
        assert found.posterior is not None
        draws = found.posterior.draws.variables
        latents = latents_of(draws.reshape(-1, draws.shape[-1]))
        pictures = generate(pair.generator, latents)
        figures = measure(found, target, faces, place)
        truth = faces.generated[place]
        rows.append(figures | measure_pictures(found, target, truth, pictures))
        sheets.append(sheet(found, target, pictures))
        print(json.dumps(rows[-1]), flush=True)
    means = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
    means["R-hat worst"] = float(max(row["R-hat"] for row in rows))
    return means | {"seconds": seconds}, grid(np.concatenate(sheets), len(sheets[0]))


def latents_of(variables: np.ndarray) -> np.ndarray:
    """Give z of u in float32."""
    from scipy.special import erf

    return np.asarray(erf(variables / np.sqrt(2.0)), np.float32)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--skip", type=int, default=0)
    parser.add_argument("--mask", default="center")
    parser.add_argument("--hmc", nargs="*", default=["{}"])
    parser.add_argument("--complete", default="{}")
    parser.add_argument("--faces", type=Path)
    parser.add_argument("--pictures", type=Path)
    given = parser.parse_args(arguments)
    options = CompleteOptions.model_validate(
        {"method": "hmc"} | json.loads(given.complete)
    )
    generator = pretrained.load_pair().generator
    for number, text in enumerate(given.hmc):
        changes = json.loads(text)
        noise = changes.get("noise", options.hmc.noise)
        if given.faces:
            faces = read_faces(given.faces, given.skip + given.count)
        else:
            faces = draw_faces(generator, given.skip + given.count, noise)
        figures, pictures = run(changes, faces.after(given.skip), options, given.mask)
        row = {name: round(value, 3) for name, value in figures.items()}
        print(given.mask, text, json.dumps(row), flush=True)
        if given.pictures:
            write_png(given.pictures / f"{given.mask}-{number}.png", pictures)


if __name__ == "__main__":
    main()
