"""``facefill complete`` as it is typed: files, folders, and what goes wrong."""

import io
import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import skimage.data
from click.testing import CliRunner
from PIL import Image

from facefill import api
from facefill.commands.complete import complete
from facefill.models.dcgan import Architecture, build_discriminator, build_generator
from facefill.parameters import CompleteOptions
from photos import noise
from projects import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PHOTO = skimage.data.astronaut()[:220, 110:330].copy()
HOLE = np.zeros(PHOTO.shape[:2], bool)
HOLE[125:165, 85:145] = True
DAMAGED = np.where(HOLE[..., None], np.uint8([255, 0, 255]), PHOTO)
HINT = {"eyes": [[90, 103], [134, 103]]}

# Packages that take long to be imported, of which a completion needs nothing.
UNUSED = [
    "kedro",
    "matplotlib",
    "mlflow",
    "pandas",
    "scipy.stats",
    "sklearn",
]
MAIN = f"""
import sys
from facefill.__main__ import main
try:
    main()
finally:
    print([name for name in {UNUSED} if name in sys.modules], file=sys.stderr)
"""


def write(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return path


def typed(*arguments):
    """Run the command in this process, which keeps the model."""
    return CliRunner().invoke(complete, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def mask(tmp_path_factory):
    return write(tmp_path_factory.mktemp("given") / "mask.png", HOLE)


@pytest.fixture(scope="module")
def single(tmp_path_factory, mask):
    """A photo completed by the program itself, at a place of its own."""
    folder = tmp_path_factory.mktemp("anywhere")
    write(folder / "ann.jpg", DAMAGED, quality=92, dpi=(300, 300))
    (folder / "eyes.json").write_text(json.dumps(HINT))
    options = ["--mask", mask, "--hint", "eyes.json", "--output", "new/whole.jpg"]
    ran = subprocess.run(
        [sys.executable, "-c", MAIN, "complete", "ann.jpg", *map(str, options)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
        timeout=250,
    )
    return folder, ran


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of photos completed, good ones and others."""
    place = tmp_path_factory.mktemp("folder")
    photos, masks, hints = place / "photos", place / "masks", place / "hints"
    write(photos / "a.png", DAMAGED)
    write(photos / "d/b.webp", DAMAGED, lossless=True)
    write(photos / "hinted.png", DAMAGED)
    write(photos / "maskless.png", PHOTO)
    stream = io.BytesIO()
    Image.fromarray(PHOTO).save(stream, "JPEG")
    (photos / "cut.jpg").write_bytes(stream.getvalue()[:4000])
    names = ("a.png", "d/b.png", "hinted.png.png", "cut.tif", "nobody.png")
    for name in names:
        write(masks / name, HOLE)
    hints.mkdir()
    (hints / "hinted.png.json").write_text('{"box": "left"}')
    given = ["--mask", masks, "--hint", hints, "--output", place / "whole"]
    return place, typed(photos, *given)


def test_a_photo_is_completed_and_the_last_line_says_so(single):
    folder, ran = single
    assert ran.returncode == 0, ran.stderr
    (line,) = ran.stdout.splitlines()
    assert line.startswith("completed ann.jpg: 1 face, ")
    # Its lower corners lie beside the jaw.
    by_face, beside = map(int, re.findall(r"(\d+) % (?:of that by|inpainted)", line))
    assert (by_face + beside, by_face > 90) == (100, True)
    assert line.endswith("; new/whole.jpg")
    with Image.open(folder / "new/whole.jpg") as image:
        assert (image.format, image.size) == ("JPEG", (220, 220))
        assert image.info["dpi"] == (300, 300)
        whole = np.asarray(image).astype(int)
    # Of the paint nothing is left, and JPEG alone has changed the rest.
    middle = whole[130:160, 90:140]
    assert np.abs(middle - [255, 0, 255]).max(axis=-1).min() > 60
    away = np.abs(whole - DAMAGED)[:110]
    assert away.mean() < 3.0


# The warning is of Keras, when it saves a model.
@pytest.mark.filterwarnings("ignore:__array__ impl:DeprecationWarning")
def test_candidates_of_a_model_of_ones_own_are_written_beside_the_first(tmp_path, mask):
    architecture = Architecture(64, 4, 2, 2)
    build_generator(architecture, 1).save(tmp_path / "generator.keras")
    build_discriminator(architecture, 1).save(tmp_path / "discriminator.keras")
    erased = np.dstack([DAMAGED, np.where(HOLE, 0, 255).astype(np.uint8)])
    photo = write(tmp_path / "ann.png", erased)
    output = tmp_path / "new/whole.tif"
    given = ["--hole-from", "alpha", "--model", tmp_path, "--output", output]
    ran = typed(photo, *given, "--candidates", "2")
    assert ran.exit_code == 0, ran.output
    assert ran.stdout.splitlines()[-1].endswith(f"; {output}")
    names = sorted(path.name for path in output.parent.iterdir())
    assert names == ["whole-2.tif", "whole.tif"]
    one, other = (np.asarray(Image.open(output.with_name(name))) for name in names)
    assert not np.array_equal(one[HOLE], other[HOLE])
    assert np.array_equal(one[~HOLE], PHOTO[~HOLE])
    assert np.array_equal(other[~HOLE], PHOTO[~HOLE])


def test_nothing_is_imported_that_takes_long_and_is_not_used(single):
    _, ran = single
    assert ran.stderr.splitlines()[-1] == "[]"


def test_a_folder_is_completed_whatever_is_among_its_photos(folder):
    place, ran = folder
    assert ran.exit_code == 0
    lines = ran.stdout.splitlines()
    # Where a test before has set Kedro's log up, warnings are among them.
    told = [line.partition(":")[0] for line in lines if line.startswith("[")]
    assert told == [
        "[1/5] completed a.png",
        "[2/5] not cut.jpg",
        "[3/5] completed b.webp",
        "[4/5] not hinted.png",
        "[5/5] not maskless.png",
    ]
    counts = "2 completed, 3 rejected (truncated 1, hint 1, no_mask 1)"
    assert lines[-1] == f"{counts}; the results are in {place / 'whole'}"
    whole = sorted(path for path in (place / "whole").rglob("*") if path.is_file())
    assert [path.relative_to(place / "whole").as_posix() for path in whole] == [
        "a.png",
        "d/b.webp",
    ]


def test_the_format_stays_and_so_does_every_pixel_outside_of_the_hole(folder):
    place, _ = folder
    results = []
    for name, kind in (("a.png", "PNG"), ("d/b.webp", "WEBP")):
        with Image.open(place / "whole" / name) as image:
            assert image.format == kind
            results.append(np.asarray(image))
        assert np.array_equal(results[-1][~HOLE], PHOTO[~HOLE])
        assert np.abs(results[-1].astype(int) - DAMAGED)[HOLE].max(axis=-1).min() > 0
    assert np.array_equal(*results)


def test_a_mask_of_no_photo_and_a_photo_without_mask_are_named(folder, caplog):
    place, _ = folder
    caplog.clear()
    ran = typed(
        place / "photos", "--mask", place / "masks", "--output", place / "photos/a.png"
    )
    assert ran.exit_code == 1  # the output is a file: nothing is begun
    said = [record.getMessage() for record in caplog.records]
    assert any("nobody.png" in line for line in said)
    assert any("and are not completed: maskless.png" in line for line in said)


def refused(*arguments):
    """What is said of what cannot be done, in one line."""
    ran = typed(*arguments)
    assert ran.exit_code == 1
    assert ran.stdout == ""
    (line,) = ran.stderr.splitlines()
    return line


def test_what_cannot_be_done_is_said_in_a_line(tmp_path, mask):
    photo = write(tmp_path / "ann.png", DAMAGED)
    out = ["--output", tmp_path / "whole.png"]
    assert "no_mask" in refused(photo, *out)
    assert "--hole-from" in refused(photo, *out)
    gone = tmp_path / "gone.png"
    assert f"mask {gone} cannot be read" in refused(photo, "--mask", gone, *out)
    assert "unopenable" in refused(gone, "--mask", mask, *out)
    hint = tmp_path / "hint.json"
    hint.write_text("{}")
    given = ["--mask", mask, "--hint", hint]
    assert refused(photo, *given, *out).startswith("Error: hint: ")
    (tmp_path / "empty").mkdir()
    assert "no_photos" in refused(tmp_path / "empty", "--mask", mask, *out)
    opaque = refused(photo, "--hole-from", "alpha", *out)
    assert "no transparent pixel" in opaque
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "ann.png",
        "empty",
        "hint.json",
    ]


def test_a_result_that_cannot_be_written_is_refused_before_any_work(tmp_path, mask):
    photo = write(tmp_path / "ann.png", DAMAGED)
    given = ["--mask", mask, "--output"]
    for name in ("whole", "whole.xyz"):
        said = refused(photo, *given, tmp_path / name)
        assert f"{tmp_path / name} does not end as a picture's does: .jpg, .png" in said
    below_a_file = photo / "whole.png"
    assert refused(photo, *given, below_a_file).startswith(f"Error: {photo}: ")
    assert [path.name for path in tmp_path.iterdir()] == ["ann.png"]


def test_a_folder_of_which_no_photo_can_be_completed_is_a_failure(tmp_path):
    write(tmp_path / "photos/a.png", noise(80, 80))
    write(tmp_path / "photos/b.png", noise(80, 80))
    ran = typed(tmp_path / "photos", "--output", tmp_path / "whole")
    assert ran.exit_code == 1
    last = ran.stdout.splitlines()[-1]
    assert last.startswith("0 completed, 2 rejected (no_mask 2); ")


def test_a_defect_that_one_photo_meets_is_its_own(tmp_path, monkeypatch, caplog):
    real, met = api.complete_given, []

    def complete_given(*given, **options):
        met.append(given)
        if len(met) == 1:
            raise ValueError("nobody has foreseen this")
        return real(*given, **options)

    monkeypatch.setattr(api, "complete_given", complete_given)
    for name in ("a.png", "b.png"):
        write(tmp_path / "photos" / name, DAMAGED)
        write(tmp_path / "masks" / name, HOLE)
    given = ["--mask", tmp_path / "masks", "--output", tmp_path / "whole"]
    ran = typed(tmp_path / "photos", *given)

    assert ran.exit_code == 0
    lines = [line for line in ran.stdout.splitlines() if line.startswith("[")]
    assert lines[0] == "[1/2] not a.png: failed: ValueError: nobody has foreseen this"
    assert lines[1].startswith("[2/2] completed b.png")
    assert "1 completed, 1 rejected (failed 1)" in ran.stdout
    (record,) = [record for record in caplog.records if record.exc_info]
    assert record.exc_info[0] is ValueError


def test_fidelity_is_chosen_from_the_likely_mean_to_a_picture(tmp_path, mask):
    photo = write(tmp_path / "ann.png", DAMAGED)

    def filled(*options):
        output = tmp_path / "whole.png"
        ran = typed(photo, "--mask", mask, "--output", output, *options)
        assert ran.exit_code == 0, ran.output
        return np.asarray(Image.open(output)).astype(int)

    default = filled()
    assert np.array_equal(filled("--fidelity", CompleteOptions().fidelity), default)

    def detail(picture):
        return np.abs(np.diff(picture, axis=1))[HOLE[:, 1:]].mean()

    assert detail(filled("--fidelity", "0")) < detail(filled("--fidelity", "1"))
    (option,) = [each for each in complete.params if each.name == "fidelity"]
    assert f"by default {CompleteOptions().fidelity}." in option.help


@pytest.mark.parametrize(
    "wrong",
    [
        ["--lam", "-1"],
        ["--candidates", "0"],
        ["--outside", "black"],
        ["--fidelity", "2"],
        [],
    ],
)
def test_a_wrong_option_is_a_matter_of_usage(tmp_path, wrong):
    photo = write(tmp_path / "ann.png", DAMAGED)
    output = ["--output", tmp_path / "whole.png"] if wrong else []
    ran = typed(photo, *output, *wrong)
    assert ran.exit_code == 2
    assert "Usage:" in ran.stderr
