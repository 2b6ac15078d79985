"""Draw the figures of docs/tutorial.md, the pictures of README.md and docs/results.md.

All of them, or those that are named::

    python tools/tutorial_figures.py
    python tools/tutorial_figures.py lam blending

``training`` shows grids that ``kedro run --env=demo --pipeline=train`` has left. People
are the astronaut of scikit-image and Grace Hopper of matplotlib, both in the public
domain, and faces that the pretrained generator draws. Numbers that the tutorial quotes
are printed.
"""

import argparse
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import skimage.data
from PIL import Image
from scipy.stats import norm

import facefill
from facefill.imaging.compositing import blend, complete_face
from facefill.imaging.photos import read_photo
from facefill.imaging.pictures import grid, read_png, to_float
from facefill.imaging.sheets import (
    heat_map,
    labelled_columns,
    labelled_rows,
    rendered,
)
from facefill.inversion.candidates import Candidate
from facefill.inversion.masking import MaskMaker
from facefill.inversion.measurement import Measurement
from facefill.inversion.pca_fit import gaussian_fit_of
from facefill.inversion.search import LatentSearch
from facefill.parameters import CompleteOptions
from facefill.parameters.choices import Refinement

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "data/demo/01_raw"
FIGURES = ROOT / "docs/images/tutorial"
SIDE = 128  # of a face in a strip, pixels
LAMS = (0.0, 0.1, 1.0, 10.0, 100.0, 1000.0, 10000.0)


def plain_options(**changes: Any) -> CompleteOptions:
    """Options of a search for one face, without fit: G(z) as it was found."""
    return CompleteOptions.model_validate({"batch_size": 1, "fit": "none"} | changes)


@cache
def plain_search() -> tuple[Candidate, dict[int, np.ndarray]]:
    """Search from a latent drawn at random, as in the article; with G(z) by step."""
    frames: dict[int, np.ndarray] = {}
    options = plain_options(
        encoder=False, bank_size=0, iterations=300, iterations_per_call=10
    )
    (best,) = search(0.1, options, lambda done, best: frames.update({done: best[0]}))
    return best, frames


@cache
def astronaut() -> Measurement:
    """Face of the astronaut with the centre hidden; its pixels are the whole truth."""
    face = facefill.align(skimage.data.astronaut())[0].pixels
    assert face is not None  # align gives none that is rejected
    mask = MaskMaker("center", plain_options(), 1).task("astronaut", len(face)).mask
    return Measurement("astronaut", face, mask)


def search(
    lam: float, options: CompleteOptions, watch: Any = None
) -> tuple[Candidate, ...]:
    """Search for the astronaut's face with the pretrained model."""
    model = facefill.load_model()
    networks = model.generator, model.discriminator
    searched = LatentSearch(*networks, options, lam, 1, model.companions)
    return next(iter(searched.run([astronaut()], watch)))


def hidden(target: Measurement) -> np.ndarray:
    """Face with its hole in grey."""
    return target.degradation.show(target.face, target.mask)


def enlarged(pictures: Iterable[np.ndarray], side: int = SIDE) -> list[np.ndarray]:
    """Enlarge pictures to be seen."""
    return [
        cv2.resize(picture, (side, side), interpolation=cv2.INTER_CUBIC)
        for picture in pictures
    ]


def hole_psnr(picture: np.ndarray) -> float:
    """PSNR in dB over the hole of the astronaut's face."""
    target = astronaut()
    apart = (picture.astype(float) - target.face)[~target.mask]
    return float(10 * np.log10(255**2 / np.mean(apart**2)))


def new_figure(width: float, height: float) -> "Figure":
    """Figure of matplotlib of a size in inches, at 100 dots an inch."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=100, layout="constrained")


def normals() -> np.ndarray:
    """Samples of a normal distribution in one and in two dimensions."""
    rng = np.random.default_rng(1)
    figure = new_figure(9, 3.2)
    line, plane, given = figure.subplots(1, 3)
    values = np.linspace(-4, 4, 200)
    line.plot(values, norm.pdf(values))
    line.plot(rng.normal(size=40), np.full(40, 0.01), "|", color="C1", markersize=14)
    line.set(title="40 samples in 1-D", xlabel="x", ylabel="density")
    share = 0.85  # the correlation
    points = rng.multivariate_normal([0, 0], [[1, share], [share, 1]], 400)
    plane.plot(*points.T, ".", markersize=4)
    x = 1.2
    plane.axvline(x, color="C1")
    plane.plot([x], [share * x], "*", color="C3", markersize=12)
    plane.set(title="400 samples in 2-D; x = 1.2 is known", xlabel="x", ylabel="y")
    spread = np.sqrt(1 - share**2)
    given.plot(values, norm.pdf(values), "--", label="p(y)")
    given.plot(values, norm.pdf(values, share * x, spread), "C1", label="p(y | x)")
    given.axvline(share * x, color="C3", lw=1, label="most probable y")
    given.set(title="what x says about y", xlabel="y")
    given.legend(fontsize=8)
    return rendered(figure)


def pixels() -> np.ndarray:
    """Two pixels of generated faces, as samples in two dimensions."""
    faces = facefill.sample(1024).mean(axis=3)
    known = faces[:, 38, 20]
    figure = new_figure(9, 3.2)
    picture, near, far = figure.subplots(1, 3)
    picture.imshow(facefill.sample(1)[0])
    places = {"left cheek": (38, 20), "right cheek": (38, 43), "corner": (2, 61)}
    for number, (name, (row, column)) in enumerate(places.items()):
        picture.plot([column], [row], "o", color=f"C{number}", label=name)
    picture.set(title="three pixels", xticks=[], yticks=[])
    picture.legend(fontsize=8, loc="lower right")
    for axes, name in ((near, "right cheek"), (far, "corner")):
        values = faces[:, places[name][0], places[name][1]]
        share = float(np.corrcoef(known, values)[0, 1])
        print(f"pixels: correlation of left cheek and {name}: {share:.2f}")
        axes.plot(known, values, ".", markersize=3)
        axes.set(
            title=f"correlation {share:.2f}", xlabel="left cheek, grey", ylabel=name
        )
    return rendered(figure)


def expected() -> np.ndarray:
    """The most probable hidden pixels if faces were normally distributed."""
    target, statistics = astronaut(), facefill.load_model().statistics
    assert statistics is not None
    mean = np.clip(np.round(statistics.mean), 0, 255).astype(np.uint8)
    normal = gaussian_fit_of(CompleteOptions(), statistics, statistics.image_size)
    assert normal is not None
    given = normal.fit(mean, target, detail=0.0)
    shown = {
        "known": hidden(target),
        "mean face": mean,
        "expected": given,
        "completed": complete_face(target.face, given, target.mask),
        "truth": target.face,
    }
    print(f"expected: hole {hole_psnr(mean):.1f} to {hole_psnr(given):.1f} dB")
    return labelled_columns(list(shown), enlarged(list(shown.values())))


def judged() -> np.ndarray:
    """What the discriminator says of pictures."""
    import keras

    target = astronaut()
    cat = cv2.resize(skimage.data.chelsea()[:300, 80:380], (64, 64), interpolation=3)
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    blurred = cv2.GaussianBlur(target.face, (0, 0), 3)
    shown = [target.face, blurred, cat, noise, *facefill.sample(4)]
    names = ["a photo", "blurred", "a cat", "noise"] + [f"G(z{n})" for n in range(1, 5)]
    logits = facefill.load_model().discriminator(to_float(np.stack(shown)))
    chances = np.asarray(keras.ops.sigmoid(logits))[:, 0]
    print("judged:", dict(zip(names, np.round(chances, 4).tolist(), strict=True)))
    labels = [
        f"{name}: {chance:.2f}" for name, chance in zip(names, chances, strict=True)
    ]
    return labelled_columns(labels, enlarged(shown, 104))


def samples() -> np.ndarray:
    """Unpicked faces of the pretrained generator."""
    return grid(np.stack(enlarged(facefill.sample(24), 80)), columns=12)


def training() -> np.ndarray:
    """Eight latents through a small generator as the demo trains it."""
    grids = sorted((ROOT / "data/demo/06_models/grids").glob("*.png"))
    if not grids:
        raise SystemExit("run kedro run --env=demo --pipeline=train first")
    steps = {int("".join(filter(str.isdigit, path.stem))): path for path in grids}
    print("training: grids of steps", sorted(steps))
    chosen = [step for step in (100, 200, 400, 700, 1000) if step in steps]
    rows = {f"step {step}": enlarged(cells(steps[step], 8), 80) for step in chosen}
    return labelled_rows(rows)


def cells(path: Path, count: int, size: int = 64, gap: int = 2) -> list[np.ndarray]:
    """First pictures of a grid."""
    sheet = read_png(path)
    pitch = size + gap
    return [
        sheet[:size, column * pitch : column * pitch + size] for column in range(count)
    ]


def iterations() -> np.ndarray:
    """G(z) as the search goes, and the face completed with it."""
    target, (best, frames) = astronaut(), plain_search()
    contextual = best.history[0]
    print("iterations: contextual", [round(float(contextual[k])) for k in (0, 20, 100)])
    chosen = [0, 10, 20, 50, 100, 300]
    generated = [frames[step] for step in chosen]
    completed = [complete_face(target.face, each, target.mask) for each in generated]
    first, second = (
        labelled_columns(
            [last, *[f"{step} steps" for step in chosen]],
            enlarged([picture, *pictures]),
        )
        for last, picture, pictures in (
            ("known", hidden(target), generated),
            ("truth", target.face, completed),
        )
    )
    return np.concatenate([first, second])


def starts() -> np.ndarray:
    """Where a search begins and ends: drawn, from the bank, from the encoder."""
    shown, labels = [hidden(astronaut())], ["known"]
    for name, options in (
        ("drawn", plain_options(encoder=False, bank_size=0)),
        ("bank", plain_options(encoder=False)),
        ("encoder", plain_options()),
    ):
        frames: dict[int, np.ndarray] = {}
        keep = frames.__setitem__
        (best,) = search(0.1, options, lambda done, best, keep=keep: keep(done, best))
        shown += [frames[0][0], best.generated]
        steps = len(best.history[0])
        labels += [f"{name}: begin", f"{steps} steps: {best.contextual:.0f}"]
        print(
            f"starts: {name}: contextual {best.history[0][0]:.0f} to "
            f"{best.contextual:.0f}, hole {hole_psnr(best.generated):.1f} dB"
        )
    return labelled_columns(labels, enlarged(shown))


def losses() -> np.ndarray:
    """Both losses over the search, and what lam makes of the second."""
    best, _ = plain_search()
    figure = new_figure(8, 2.8)
    contextual, perceptual = figure.subplots(1, 2)
    contextual.plot(best.history[0])
    contextual.set(title="contextual loss", xlabel="step", ylim=(0, None))
    perceptual.plot(best.history[1], label="perceptual loss")
    perceptual.plot(0.1 * best.history[1], label="lam * perceptual, lam = 0.1")
    perceptual.set(title="perceptual loss", xlabel="step", ylim=(0, None))
    perceptual.legend(fontsize=8)
    return rendered(figure)


def lam() -> np.ndarray:
    """The same search with weights of the perceptual loss from 0 to 10,000."""
    target, options = astronaut(), plain_options(iterations=150)
    shown: dict[str, np.ndarray] = {}
    print("| lam | contextual | perceptual | lam * perceptual | D(G(z)) | hole, dB |")
    for weight in LAMS:
        (best,) = search(weight, options)
        shown[f"{weight:g}"] = best.generated
        print(
            f"| {weight:g} | {best.contextual:.0f} | {best.perceptual:.3f} | "
            f"{weight * best.perceptual:.1f} | {np.exp(-best.perceptual):.2f} | "
            f"{hole_psnr(best.generated):.1f} |"
        )
    pictures = list(shown.values())
    completed = [complete_face(target.face, each, target.mask) for each in pictures]
    labels = [f"lam {name}" for name in shown]
    first = labelled_columns(labels, enlarged(pictures))
    second = labelled_columns(["completed"] * len(labels), enlarged(completed))
    return np.concatenate([first, second])


def blending() -> np.ndarray:
    """The generated face pasted, blended, fitted, and both."""
    target = astronaut()
    (best,) = search(0.1, plain_options(fit="expected"))
    generated, fitted = best.generated, best.fitted
    shown = {
        "known": hidden(target),
        "G(z)": generated,
        "pasted": complete_face(target.face, generated, target.mask),
        "blended": blend(target.degradation, target.face, generated, target.mask),
        "fitted": fitted,
        "fitted, blended": blend(target.degradation, target.face, fitted, target.mask),
        "truth": target.face,
    }
    for name, picture in shown.items():
        print(f"blending: {name}: hole {hole_psnr(picture):.1f} dB")
    return labelled_columns(list(shown), enlarged(list(shown.values())))


def refinement() -> np.ndarray:
    """In the photo at its own size: hidden, enlarged, refined, and the truth."""
    photo = skimage.data.astronaut()
    shown: dict[str, np.ndarray] = {}
    refinements: dict[str, Refinement] = {"enlarged": "none", "refined": "picture"}
    for name, refine in refinements.items():
        options = CompleteOptions(batch_size=1, refine=refine)
        done = facefill.complete(photo, "center", options=options)
        shown[name] = done.photo
    masked = photo.copy()
    masked[done.hole] = 128
    shown = {"hidden": masked} | shown | {"truth": photo}
    window = slice(40, 200), slice(140, 300)
    cut = [picture[window] for picture in shown.values()]
    return labelled_columns(list(shown), enlarged(cut, 240))


def whole_photo() -> np.ndarray:
    """The astronaut at the photo's own size: as she is, hidden, and completed."""
    photo = np.asarray(skimage.data.astronaut())
    done = facefill.complete(photo, "center")
    masked = photo.copy()
    masked[done.hole] = 128
    window = slice(0, 330), slice(60, 390)
    shown = [picture[window] for picture in (photo, masked, done.photo)]
    return np.concatenate(shown, axis=1)


def fidelity() -> np.ndarray:
    """Portrait of nobody with its centre hidden, completed with five fidelities."""
    photo = read_photo(SAMPLE / "photos/face-0010.jpg")
    shown = {}
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        options = CompleteOptions(batch_size=1, fidelity=share)
        done = facefill.complete(photo, "center", options=options)
        shown[f"{share:g}"] = done.photo
    masked = photo.copy()
    masked[done.hole] = 128
    shown = {"hidden": masked} | shown | {"truth": photo}
    return labelled_columns(list(shown), enlarged(list(shown.values()), 160))


def candidates() -> np.ndarray:
    """Several completions of one photo, with their contextual losses."""
    target = astronaut()
    several = search(0.1, plain_options(bank_size=256, candidates=6, fit="expected"))
    completed = [
        blend(target.degradation, target.face, each.fitted, target.mask)
        for each in several
    ]
    labels = ["known", *[f"{each.contextual:.0f}" for each in several]]
    return labelled_columns(labels, enlarged([hidden(target), *completed]))


def posterior() -> np.ndarray:
    """Draws of the posterior, from short chains, and its deviation at each pixel."""
    target = astronaut()
    short = {"chains": 2, "warm_up": 15, "draws": 15, "leapfrogs": 6}
    options = plain_options(method="hmc", bank_size=256, iterations=100, hmc=short)
    summary = search(0.1, options)[0].posterior
    assert summary is not None
    draws = [
        blend(target.degradation, target.face, frame, target.mask)
        for frame in summary.frames[:: len(summary.frames) // 6][:6]
    ]
    deviation = heat_map(summary.deviation.mean(axis=2), 32.0)
    labels = ["deviation", *[f"draw {number}" for number in range(1, 7)]]
    return labelled_columns(labels, enlarged([deviation, *draws]))


def hero() -> np.ndarray:
    """The picture of README.md: three damaged photos, masks, and what comes back.

    Windows of the photos at their own size, as the command of README.md makes them.
    """
    rows = []
    for name, (left, top) in (
        ("collins-scratch.jpg", (75, 10)),
        ("hopper-spots.jpg", (115, 80)),
        ("hopper-half.jpg", (115, 40)),
    ):
        photo, mask = SAMPLE / "incomplete" / name, SAMPLE / "masks" / f"{name}.png"
        done = facefill.complete(photo, mask, lam=0.1)
        window = slice(top, top + 300), slice(left, left + 300)
        shown = (np.asarray(Image.open(photo)), read_png(mask), done.photo)
        rows.append([picture[window] for picture in shown])
    return grid(np.stack([picture for row in rows for picture in row]), columns=3)


def halves() -> np.ndarray:
    """Two photos of which half is gone, and what comes back, at their own size."""
    return before_and_after({"collins-half": (85, 0), "hopper-half": (125, 70)})


def corners() -> np.ndarray:
    """Two photos whose corner is torn off, and what comes back, at their own size."""
    return before_and_after({"collins-torn": (105, 0), "hopper-torn": (125, 15)})


def before_and_after(places: dict[str, tuple[int, int]]) -> np.ndarray:
    """Windows of damaged photos of the demo, each beside its completion."""
    pictures = []
    for name, (left, top) in places.items():
        photo = SAMPLE / "incomplete" / f"{name}.jpg"
        done = facefill.complete(photo, SAMPLE / "masks" / f"{name}.jpg.png")
        window = slice(top, top + 260), slice(left, left + 260)
        shown = np.asarray(Image.open(photo)), done.photo
        pictures += [picture[window] for picture in shown]
    return grid(np.stack(pictures), columns=4)


CHARTS = ("normals", "pixels", "losses")

FIGURE_MAKERS: dict[str, Callable[[], np.ndarray]] = {
    make.__name__: make
    for make in (
        normals,
        pixels,
        expected,
        judged,
        samples,
        training,
        iterations,
        starts,
        losses,
        lam,
        blending,
        refinement,
        whole_photo,
        fidelity,
        candidates,
        posterior,
        hero,
        halves,
        corners,
    )
}


def save(name: str, picture: np.ndarray, folder: Path) -> Path:
    """Write a figure: a chart as a PNG of few colours, photos as a JPEG."""
    folder.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(picture)
    if name in CHARTS:
        path = folder / f"{name}.png"
        image.quantize(128).save(path, optimize=True)
    else:
        path = folder / f"{name}.jpg"
        image.save(path, quality=88, subsampling=0)
    return path


def main() -> None:
    """Draw the figures that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *FIGURE_MAKERS])
    parser.add_argument("--output", type=Path, default=FIGURES)
    arguments = parser.parse_args()
    for name in arguments.names or FIGURE_MAKERS:
        path = save(name, FIGURE_MAKERS[name](), arguments.output)
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB", flush=True)


if __name__ == "__main__":
    main()
