r"""Variants of the search on the same held-out faces: what each finds, and its price.

Usage::

    python benchmarks/searches.py data/05_model_input/faces.npy searches/ \
        [--count 200] [--masks center] [--variants default reference] [--report]

Each variant searches for every face with the pretrained model, and what it found is
kept in the folder, so that the same command continues after an interruption, and a
machine with a GPU can search (``KERAS_BACKEND=jax`` too) where another one reports.
``--report`` paints, fits, blends and measures what is there, and writes ``MASK.md``,
``MASK.json`` and a sheet of faces for each mask. Of two variants compare the
differences, which are face by face, with their bootstrap intervals.
"""

import argparse
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from facefill.evaluation.completions import Evaluation, HeldOut, hold_out, report
from facefill.evaluation.identity import Identify
from facefill.imaging.pictures import write_png
from facefill.inversion.candidates import Candidate
from facefill.inversion.latent_bank import LatentBank
from facefill.inversion.masking import MaskMaker
from facefill.inversion.measurement import Measurement
from facefill.inversion.objective import Objective
from facefill.inversion.pca_fit import GaussianFit, gaussian_fit_of
from facefill.inversion.search import LatentSearch
from facefill.models import pretrained
from facefill.models.generation import generate
from facefill.parameters import CompleteOptions, EvaluateOptions, HoleName
from facefill.preparation.face_set import read_face_set
from facefill.preparation.splits import VALIDATION
from facefill.runtime.files import replacing
from facefill.runtime.progress import Advance

SEED = 1
LAM = 0.1

VARIANTS: dict[str, dict[str, Any]] = {
    "default": {},
    "from the bank": {},
    "reference": {"preset": "reference"},
    "encoder, 5 iterations": {"encoder": True, "iterations": 5},
    "encoder, 10 iterations": {"encoder": True, "iterations": 10},
    "encoder, 20 iterations": {"encoder": True, "iterations": 20},
    "encoder, 30 iterations": {"encoder": True, "iterations": 30},
    "encoder, 50 iterations": {"encoder": True, "iterations": 50},
    "20 iterations": {"iterations": 20},
    "50 iterations": {"iterations": 50},
    "300 iterations": {"iterations": 300},
    "1000 iterations": {"iterations": 1000},
    "rate 0.02": {"learning_rate": 0.02},
    "rate 0.1": {"learning_rate": 0.1},
    "constant rate": {"schedule": "constant"},
    "no bank": {"bank_size": 0},
    "bank of 256": {"bank_size": 256},
    "bank of 16384": {"bank_size": 16384},
    "4 starts": {"starts": 4},
    "8 starts": {"starts": 8},
    "weighted": {"contextual": "weighted"},
    "stochastic clip": {"projection": "stochastic_clip"},
    "u": {"projection": "normal"},
    "momentum": {"method": "momentum", "learning_rate": 0.0005},
    "L-BFGS": {},
}
"""What is set beside the defaults. L-BFGS has as many gradients as they have."""


class Recorded:
    """A search that was made elsewhere: what it found, painted and fitted here."""

    iterations_per_photo = 0

    def __init__(self, file: Path, generator: Any, expectation: GaussianFit) -> None:
        """Read what was found, by photo."""
        with np.load(file) as arrays:
            self._found = dict(arrays.items())
        self._places = {str(key): at for at, key in enumerate(self._found["keys"])}
        self._pictures = generate(generator, self._found["latents"])
        self._expectation = expectation

    @property
    def seconds_per_face(self) -> float:
        """Time of the search, where it was made."""
        return float(self._found["seconds_per_face"])

    def run(
        self, targets: Iterable[Measurement], advance: Advance
    ) -> Iterator[tuple[Candidate, ...]]:
        """Give what was found for each."""
        del advance
        for target in targets:
            at = self._places[target.key]
            fits = str(self._found["fit"]) == "expected"
            detail = float(self._found["detail"])
            picture = self._pictures[at]
            contextual, perceptual = self._found["parts"][at]
            yield (
                Candidate(
                    start=0,
                    latent=self._found["latents"][at],
                    generated=picture,
                    fitted=self._expectation.fit(picture, target, detail)
                    if fits
                    else picture,
                    contextual=float(contextual),
                    perceptual=float(perceptual),
                    loss=float(contextual + LAM * perceptual),
                    history=np.empty((2, 0), np.float32),
                ),
            )


def search(
    name: str, targets: Sequence[Measurement], batch_size: int
) -> tuple[np.ndarray, np.ndarray, CompleteOptions]:
    """Search for every face by a variant; latents, and both parts of their losses."""
    values = {"precision": "float32", "batch_size": batch_size}
    # Variants are of a search from the bank.
    values |= {"encoder": name == "default"} | VARIANTS[name]
    options = CompleteOptions.model_validate(values)
    pair = pretrained.load_pair()
    if name == "L-BFGS":
        found = descend_by_bfgs(Objective(*pair, options, LAM), targets, options)
        return *found, options
    plain = options.model_copy(update={"fit": "none"})
    return *descend(LatentSearch(*pair, plain, LAM, SEED), targets), options


def descend(
    searcher: LatentSearch, targets: Sequence[Measurement]
) -> tuple[np.ndarray, np.ndarray]:
    """Search for every face; latents, and both parts of their losses."""
    best = [each for each, *_ in searcher.run(targets)]
    latents = np.stack([each.latent for each in best])
    return latents, np.array([[each.contextual, each.perceptual] for each in best])


def descend_by_bfgs(
    objective: Objective, targets: Sequence[Measurement], options: CompleteOptions
) -> tuple[np.ndarray, np.ndarray]:
    """Search by SciPy's L-BFGS-B in the box [-1, 1], from the bank, face by face."""
    from scipy.optimize import minimize

    from facefill.backend import graph

    bank = LatentBank(pretrained.load_pair().generator, options.bank_size, SEED)
    differentiate = graph.compiled(objective.differentiate, options.device)
    weights = objective.weights()
    latents, parts = [], []
    for target in targets:
        batch = objective.gather([target])

        def loss(latent: np.ndarray, batch: Any = batch) -> Any:
            given = np.asarray(latent, np.float32)[None]
            slope, both = differentiate(weights, given, batch)
            value = objective.total(np.asarray(both, np.float64))[0]
            return value, np.asarray(slope, np.float64)[0]

        found = minimize(
            loss,
            bank.nearest(target, 1)[0],
            jac=True,
            method="L-BFGS-B",
            bounds=[(-1.0, 1.0)] * objective.latent_size,
            options={"maxfun": options.num_iterations, "maxcor": 20},
        )
        latent = np.asarray(found.x, np.float32)
        latents.append(latent)
        parts.append(np.asarray(differentiate(weights, latent[None], batch)[1]).T)
    return np.stack(latents), np.concatenate(parts)


def keep(
    file: Path,
    targets: Sequence[Measurement],
    found: tuple[np.ndarray, np.ndarray, CompleteOptions],
    seconds_per_face: float,
) -> None:
    """Write what a variant found."""
    latents, parts, options = found
    file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file, suffix=".npz") as temporary:
        np.savez(
            temporary,
            keys=np.array([target.key for target in targets]),
            latents=latents,
            parts=parts,
            seconds_per_face=seconds_per_face,
            fit=options.fit,
            detail=options.fidelity,
        )
    loss = parts[:, 0].mean()
    print(f"{file.parent.name} {file.stem}: {loss:.0f}, {seconds_per_face:.2f} s")


def damaged(held_out: HeldOut, mask: HoleName) -> list[Measurement]:
    """Hide of every face what a mask hides."""
    maker = MaskMaker(mask, CompleteOptions(), SEED)
    pairs = zip(held_out.keys, held_out.faces, strict=True)
    return [maker.degraded(key, face) for key, face in pairs]


def measure(
    held_out: HeldOut, mask: HoleName, files: Mapping[str, Path], identity: bool
) -> dict[str, Any]:
    """Compare what the variants found under a mask; the report, and a sheet."""
    generator = pretrained.load_pair().generator
    options, statistics = CompleteOptions(), pretrained.load_statistics()
    expectation = gaussian_fit_of(options, statistics, generator.output_shape[1])
    assert expectation is not None
    searches: dict[str, Any] = {
        name: Recorded(file, generator, expectation) for name, file in files.items()
    }
    methods = EvaluateOptions().model_dump()["methods"]
    evaluation = Evaluation(
        held_out,
        EvaluateOptions(masks=[mask], methods=methods),
        searches,
        Identify("innerEyesAndBottomLip") if identity else None,
        SEED,
    )
    (scores,) = evaluation.run([MaskMaker(mask, options, SEED)])
    found = report([scores], 2000, SEED)
    found["seconds_per_face"] = {
        name: each.seconds_per_face for name, each in searches.items()
    }
    found["contextual"] = {
        name: float(each._found["parts"][:, 0].mean())
        for name, each in searches.items()
    }
    return found | {"sheet": scores.sheet}


def table(found: Mapping[str, Any]) -> str:
    """Write a report as Markdown: means, and what the default gains on each."""
    gains = {row["method"]: row for row in found["gains"]}
    lines = [
        "| method | loss | PSNR over the hole | identity | SSIM | seam "
        "| the default gains in PSNR | and in identity |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in found["rows"]:
        name = row["method"].removesuffix("_blended")
        loss = found["contextual"].get("default" if name == "blended" else name)
        cells = [
            row["method"],
            "" if loss is None else f"{loss:.0f}",
            _interval(row, "hole_psnr", 2),
            _interval(row, "identity", 3),
            f"{row['ssim']:.3f}",
            f"{row['seam']:.2f}" if "seam" in row else "",
            _interval(gains.get(row["method"], {}), "hole_psnr", 2),
            _interval(gains.get(row["method"], {}), "identity", 3),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _interval(row: Mapping[str, float], name: str, digits: int) -> str:
    if name not in row:
        return ""
    value, low, high = (row[f"{name}{end}"] for end in ("", "_low", "_high"))
    return f"{value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("faces", type=Path, help="faces.npy of a prepared project")
    parser.add_argument("folder", type=Path, help="where results are kept")
    parser.add_argument("--count", type=int, default=200, help="held-out faces")
    parser.add_argument("--masks", nargs="+", default=["center"])
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS))
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--no-identity", action="store_true")
    parser.add_argument("--report", action="store_true", help="search for nothing")
    given = parser.parse_args()
    for name in given.variants:
        if name not in VARIANTS:
            parser.error(f"no variant {name!r}; there are {', '.join(VARIANTS)}")
    return given


def main() -> None:
    """Search for what is not found yet, or report."""
    given = arguments()
    # Variants are chosen by what this prints.
    held_out = hold_out(read_face_set(given.faces), given.count, SEED, VALIDATION)
    for mask in given.masks:
        if given.report:
            # The default first, to which the others are compared.
            files = sorted((given.folder / mask).glob("*.npz"))
            files.sort(key=lambda file: file.stem != "default")
            there = {file.stem: file for file in files}
            found = measure(held_out, mask, there, not given.no_identity)
            write_png(given.folder / f"{mask}.png", found.pop("sheet"))
            (given.folder / f"{mask}.json").write_text(json.dumps(found))
            (given.folder / f"{mask}.md").write_text(table(found))
            print(mask, table(found), sep="\n", flush=True)
            continue
        targets = damaged(held_out, mask)
        for name in given.variants:
            file = given.folder / mask / f"{name}.npz"
            if not file.exists():
                started = time.monotonic()
                latents = search(name, targets, given.batch_size)
                keep(
                    file, targets, latents, (time.monotonic() - started) / len(targets)
                )


if __name__ == "__main__":
    main()
