"""How whole photos come out that were really damaged: a part painted over.

Usage::

    python benchmarks/damage.py [--photos FOLDER] [--count N] [--kinds eye,half]
        [--colours white,black] [--jpeg QUALITY] [--baselines] [--pictures FOLDER]

Intact photos of faces are damaged and completed. They are the embedded sample and an
astronaut, or one of each of N people below a folder whose names are of people
(``<Name>/<photo>.jpg``, as in LFW) that the split of seed 1 holds out. Per kind of
damage: photos whose face was found and completed; how far the crop's map takes the
intact photo's three landmarks from their places, in pixels of 64; the share of the hole
left as painted; and over the hidden pixels of the intact photo's crop PSNR, the detail
ratio (energy above a Gaussian of sigma 1.5 at 128 pixels a crop, of the result over the
truth), and over the crop dlib's identity distance; LPIPS by AlexNet of the whole photo,
where the judges are installed; pixels changed outside the hole.
Three seconds a photo on two cores; ``--baselines`` adds whole-photo inpainting.
"""

import argparse
import io
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import pandas as pd
import skimage.data
import skimage.restoration
from numpy.typing import NDArray
from PIL import Image

import facefill
from facefill.errors import FacefillError
from facefill.evaluation import perceptual
from facefill.evaluation.face_descriptors import describe
from facefill.imaging.geometry import LANDMARK_INDICES, enlarged, warp
from facefill.imaging.holes import LOSSY_GROW
from facefill.imaging.inpainting import inpaint
from facefill.imaging.mask_files import grown
from facefill.imaging.masks import Mask
from facefill.imaging.photos import Pixels, decode_photo, read_photo
from facefill.parameters.choices import LandmarkSet
from facefill.preparation.splits import TRAIN, split
from support import damaging

SIZE, FINE = 64, 128
LANDMARKS: LandmarkSet = "innerEyesAndBottomLip"
SAMPLE = Path(__file__).parents[1] / "data/demo/01_raw/photos"


class Face(NamedTuple):
    """Landmarks of a face, (68, 2), and the map from its photo to its crop, (2, 3)."""

    landmarks: NDArray[np.int64]
    matrix: NDArray[np.float64]


class Damaged(NamedTuple):
    """A photo, its face while it was intact, and what was done to it."""

    truth: Pixels
    face: Face
    photo: Pixels
    hole: np.ndarray
    name: str
    content: bytes  # the damaged photo's JPEG file; empty if it has none

    @property
    def smeared(self) -> np.ndarray:
        """Hole with what JPEG has smeared around it, as facefill grows it."""
        return grown(self.hole, LOSSY_GROW if self.content else 0)


def held_out(folder: Path, count: int) -> list[Path]:
    """Give one photo of each of some people that training has not seen."""
    paths = sorted(path.relative_to(folder) for path in folder.rglob("*.jpg"))
    names = [path.as_posix() for path in paths]
    splits = split(names, names, 0.1, seed=1)
    first: dict[str, Path] = {}
    for path, side in zip(paths, splits, strict=True):
        if side != TRAIN:
            first.setdefault(path.parts[0], folder / path)
    people = sorted(first)
    chosen = np.random.default_rng(0).permutation(len(people))[:count]
    return [first[people[index]] for index in sorted(chosen)]


def photos(folder: Path | None, count: int) -> list[tuple[str, Pixels]]:
    """Read the intact photos, by name."""
    if folder is not None:
        return [(path.stem, read_photo(path)) for path in held_out(folder, count)]
    embedded = sorted(SAMPLE.glob("*.jpg"))[: count - 1]
    named = [(path.stem, read_photo(path)) for path in embedded]
    return [("astronaut", np.asarray(skimage.data.astronaut())), *named]


def largest(photo: Pixels) -> Face | None:
    """Find the face of an intact photo."""
    faces = facefill.align(photo)
    if not faces:
        return None
    landmarks, matrix = faces[0].landmarks, faces[0].matrix
    # By default faces are cropped by their landmarks.
    assert landmarks is not None
    assert matrix is not None
    return Face(landmarks, matrix)


def as_jpeg(photo: Pixels, quality: int | None) -> bytes:
    """Compress a photo; nothing if no quality is asked for."""
    if quality is None:
        return b""
    stream = io.BytesIO()
    Image.fromarray(photo).save(stream, "JPEG", quality=quality)
    return stream.getvalue()


def misalignment(found: np.ndarray, face: Face) -> float:
    """How far a map takes the intact landmarks from their places, pixels of 64."""
    points = face.landmarks[list(LANDMARK_INDICES[LANDMARKS])]
    ones = np.column_stack([points, np.ones(len(points))])
    apart = ones @ found.T - ones @ face.matrix.T
    return float(np.linalg.norm(apart, axis=1).mean())


def fine(picture: Pixels, face: Face) -> np.ndarray:
    """Crop at 128 pixels by the intact photo's map."""
    return np.asarray(
        warp(picture, enlarged(face.matrix, FINE / SIZE), FINE), np.float32
    )


@cache
def judge() -> perceptual.PerceptualNetwork:
    """Build AlexNet with the weights of LPIPS."""
    return perceptual.PerceptualNetwork("alexnet")


def scores(result: Pixels, damaged: Damaged) -> dict[str, float]:
    """Compare a result with the truth."""
    hole, face = damaged.hole, damaged.face
    levels = np.repeat(np.where(hole, 255, 0).astype(np.uint8)[..., None], 3, axis=-1)
    inside = fine(levels, face)[..., 0] >= 128
    ours, true = fine(result, face), fine(damaged.truth, face)
    row = {
        "left": float((result == damaged.photo)[hole].all(axis=-1).mean()),
        "changed": int((result != damaged.photo)[~damaged.smeared].any(axis=-1).sum()),
        "identity": float(
            np.linalg.norm(
                np.diff(
                    describe(
                        np.stack(
                            [
                                warp(picture, face.matrix, SIZE)
                                for picture in (result, damaged.truth)
                            ]
                        ),
                        LANDMARKS,
                    ),
                    axis=0,
                )
            )
        ),
    }
    if not perceptual.missing():
        judged = judge().compare(damaged.truth, result[None])
        row["lpips"] = float(judged.distances[0])
    if inside.any():
        error = float(((ours - true)[inside] ** 2).mean())
        row["psnr"] = 10.0 * np.log10(255.0**2 / max(error, 1e-9))
        detail = [
            float(((crop - cv2.GaussianBlur(crop, (0, 0), 1.5))[inside] ** 2).mean())
            for crop in (ours, true)
        ]
        row["detail"] = detail[0] / max(detail[1], 1e-9)
    return row


def complete(damaged: Damaged) -> tuple[Pixels, dict[str, float]]:
    """Complete a photo; without a face in the hole it is not completed."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "photo.jpg")
            file.write_bytes(damaged.content)
            # Of a JPEG file facefill grows the hole, of which an array says nothing.
            photo: Path | Pixels = file if damaged.content else damaged.photo
            done = facefill.complete(photo, damaged.hole)
    except FacefillError as error:
        print(f"  {damaged.name}: {error}")
        return damaged.photo, {"completed": 0.0}
    if not done.faces:
        return done.photo, {"completed": 0.0}
    # The hole may reach another face, too.
    apart = min(misalignment(each.face.matrix, damaged.face) for each in done.faces)
    return done.photo, {"completed": 1.0, "misaligned": apart}


def biharmonic(photo: Pixels, hole: np.ndarray) -> Pixels:
    """Fill a hole by scikit-image's biharmonic equation."""
    filled = skimage.restoration.inpaint_biharmonic(photo, hole, channel_axis=-1)
    return np.asarray(np.round(np.clip(filled, 0.0, 1.0) * 255.0), np.uint8)


BASELINES: dict[str, Callable[[Pixels, Mask], Any]] = {
    "telea": lambda photo, hole: cv2.inpaint(
        photo, hole.astype(np.uint8), 3, cv2.INPAINT_TELEA
    ),
    "navier_stokes": lambda photo, hole: cv2.inpaint(
        photo, hole.astype(np.uint8), 3, cv2.INPAINT_NS
    ),
    "biharmonic": biharmonic,
    "patches": inpaint,
}


def main() -> None:
    """Print a table, a row a kind of damage and method."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--count", type=int, default=6)
    parser.add_argument("--kinds", default=",".join(damaging.DAMAGES))
    parser.add_argument("--colours", default="white,black,magenta,noise,grey")
    parser.add_argument("--jpeg", type=int)
    parser.add_argument("--baselines", action="store_true")
    parser.add_argument("--pictures", type=Path)
    arguments = parser.parse_args()
    colours = arguments.colours.split(",")
    rows: list[dict[str, Any]] = []
    for number, (name, truth) in enumerate(photos(arguments.photos, arguments.count)):
        face = largest(truth)
        if face is None:
            print(f"{name}: no face is found in the intact photo")
            continue
        for offset, kind in enumerate(arguments.kinds.split(",")):
            colour = colours[(number + offset) % len(colours)]
            photo, hole = damaging.damage(truth, face.landmarks, kind, colour, number)
            content = as_jpeg(photo, arguments.jpeg)
            photo = decode_photo(content) if content else photo
            label = f"{name} {kind} {colour}"
            damaged = Damaged(truth, face, photo, hole, label, content)
            result, row = complete(damaged)
            rows.append(
                {"kind": kind, "method": "facefill"} | row | scores(result, damaged)
            )
            if arguments.pictures:
                arguments.pictures.mkdir(parents=True, exist_ok=True)
                sheet = np.hstack([photo, result, truth])
                Image.fromarray(sheet).save(arguments.pictures / f"{kind}-{name}.png")
            for method, fill in BASELINES.items() if arguments.baselines else ():
                result = np.asarray(fill(photo, damaged.smeared))
                rows.append({"kind": kind, "method": method} | scores(result, damaged))
    table = pd.DataFrame(rows)
    means = table.groupby(["method", "kind"], sort=False).mean(numeric_only=True)
    counts = table.groupby(["method", "kind"], sort=False).size().rename("photos")
    print(means.join(counts).round(3).to_string())


if __name__ == "__main__":
    main()
