"""The page of ``facefill app`` in a real browser, from upload to download."""

import os
import re
import subprocess
import sys
import time

import numpy as np
import pytest
import skimage.data
from PIL import Image, ImageCms

import facefill
from browsing import missing, opened
from projects import ROOT

ABSENT = missing("gradio", "playwright")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(bool(ABSENT), reason=ABSENT),
]

VIEW = {"width": 1280, "height": 900}
PATIENCE_MS = 300_000
SOURCES = "pictures => pictures.map(picture => picture.src)"


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    """A photo with metadata, a profile and odd tables, whose mouth is painted over."""
    folder = tmp_path_factory.mktemp("given")
    pixels = skimage.data.astronaut()[:220, 110:330].copy()
    hole = np.zeros(pixels.shape[:2], bool)
    hole[125:165, 85:145] = True
    pixels[hole] = [255, 0, 255]
    exif = Image.Exif()
    exif[0x013B] = "Ann"
    Image.fromarray(pixels).save(
        folder / "ann at sea.jpg",
        quality=91,
        exif=exif,
        dpi=(300, 300),
        icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
    )
    Image.fromarray(hole).save(folder / "hole.png")
    return folder / "ann at sea.jpg", folder / "hole.png"


@pytest.fixture(scope="module")
def address():
    """Where the program serves its page."""
    with subprocess.Popen(
        [sys.executable, "-m", "facefill", "app"],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        stdout=subprocess.PIPE,
        text=True,
    ) as program:
        line = program.stdout.readline()
        yield re.search(r"http://127\.0\.0\.1:\d+", line)[0]
        program.terminate()


@pytest.fixture(scope="module")
def browser(address, tmp_path_factory):
    with opened(tmp_path_factory.mktemp("profile"), viewport=VIEW) as (page, asked):
        page.set_default_timeout(PATIENCE_MS)
        page.goto(address)
        page.wait_for_selector("#complete")
        yield page, asked


@pytest.fixture
def page(browser, photo):
    """The page, with the photo on it."""
    page, _ = browser
    page.reload()
    page.wait_for_selector("#photo input[type=file]", state="attached")
    page.set_input_files("#photo input[type=file]", photo[0])
    page.wait_for_selector("#found:has-text('found')")
    return page


def complete(page, place):
    """Press the button; the downloaded photo and mask."""
    page.click("#complete")
    page.wait_for_selector("#said:has-text('of the photo filled')")
    files = []
    for button in ("#download", "#download-mask"):
        with page.expect_download() as downloading:
            page.click(button)
        file = place / downloading.value.suggested_filename
        downloading.value.save_as(file)
        files.append(file)
    return files


def test_the_download_is_what_facefill_writes(page, photo, tmp_path):
    page.set_input_files("#mask input[type=file]", photo[1])
    page.wait_for_selector("#mask:has-text('hole')")

    whole, mask = complete(page, tmp_path)

    facefill.complete(*photo).save(tmp_path / "expected.jpg")
    assert whole.name == "ann at sea-whole.jpg"
    assert whole.read_bytes() == (tmp_path / "expected.jpg").read_bytes()
    assert mask.read_bytes() == photo[1].read_bytes()


def test_what_is_painted_is_filled_and_the_mask_of_it_can_be_used_again(
    page, photo, tmp_path
):
    page.wait_for_function(
        "document.querySelector('#editor canvas')?.getBoundingClientRect().height > 99"
    )
    time.sleep(3)  # Gradio fits the photo into its canvas, and tells nobody when
    canvas = page.locator("#editor canvas").first.bounding_box()
    x, y = canvas["x"] + canvas["width"] / 2, canvas["y"] + canvas["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 30, y + 10, steps=10)
    page.mouse.up()

    whole, mask = complete(page, tmp_path)

    hole = np.asarray(Image.open(mask))
    assert hole.shape == (220, 220)
    assert 100 < hole.sum() < hole.size / 4
    facefill.complete(photo[0], mask).save(tmp_path / "expected.jpg")
    assert whole.read_bytes() == (tmp_path / "expected.jpg").read_bytes()


def test_another_candidate_can_be_chosen_and_downloaded(page, photo, tmp_path):
    page.set_input_files("#mask input[type=file]", photo[1])
    page.fill("#candidates input", "2")
    page.fill("#fidelity input[type=number]", "0.4")
    first, _ = complete(page, tmp_path)

    shown = page.eval_on_selector_all("#result img", SOURCES)

    page.click("#candidate label:has-text('2')")
    page.wait_for_function(
        f"shown => ({SOURCES})([...document.querySelectorAll('#result img')])"
        ".some(source => !shown.includes(source))",
        arg=shown,
    )
    with page.expect_download() as downloading:
        page.click("#download")

    assert downloading.value.suggested_filename == "ann at sea-whole-2.jpg"
    downloading.value.save_as(tmp_path / "second.jpg")
    assert (tmp_path / "second.jpg").read_bytes() != first.read_bytes()


def test_without_a_hole_the_page_says_what_to_do(page):
    page.click("#complete")

    page.wait_for_selector("text=Paint over what is missing under step 2, or upload")


@pytest.mark.parametrize(
    ("content", "cure"),
    [
        (b"\x00\x00\x00\x18ftypheic", "Export the photo as one of them"),
        (b"\xff\xd8\xff" + bytes(53_000_000), "maximum allowed size"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_its_cure(
    browser, tmp_path, content, cure
):
    page, _ = browser
    (tmp_path / "ann.jpg").write_bytes(content)
    page.reload()
    page.wait_for_selector("#photo input[type=file]", state="attached")

    page.set_input_files("#photo input[type=file]", tmp_path / "ann.jpg")

    page.wait_for_selector(f"text={cure}")


def test_nothing_was_asked_of_any_other_host(browser, address):
    _, asked = browser

    assert len(asked) > 10
    assert not [url for url in asked if not url.startswith((address, "data:", "blob:"))]
