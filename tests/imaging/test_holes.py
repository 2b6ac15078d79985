"""Holes of photos, wherever they are given."""

import io
import pickle
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageCms

from facefill.errors import MaskError
from facefill.imaging.holes import LOSSY_GROW, HoleReader, flat_colour
from facefill.imaging.mask_files import grown
from facefill.imaging.photo_files import is_lossy
from facefill.imaging.photos import decode_photo
from photos import face_photo, write_photo

SHAPE = (40, 60)
HOLE = np.zeros(SHAPE, bool)
HOLE[10:25, 20:50] = True
READER = HoleReader("files", "white_is_hole", None, 10**6, 10**6)


def photo():
    return np.array(Image.fromarray(face_photo()).resize(SHAPE[::-1]))


def painted(colour):
    return np.where(HOLE[..., None], np.uint8(colour), photo()).astype(np.uint8)


def encoded(pixels, kind="PNG", **options):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format=kind, **options)
    return stream.getvalue()


def read(reader, content, mask=None):
    return reader.read(decode_photo(content), content, mask)


@pytest.fixture
def mask(tmp_path):
    return write_photo(tmp_path / "m.png", np.where(HOLE, 255, 0).astype(np.uint8))


def test_a_mask_file_is_read_by_its_polarity_and_without_one_there_is_no_hole(mask):
    content = encoded(photo())
    assert np.array_equal(read(READER, content, mask), HOLE)
    turned = replace(READER, polarity="white_is_known")
    assert np.array_equal(read(turned, content, mask), ~HOLE)
    assert read(READER, content) is None


def test_the_limits_of_photos_are_those_of_mask_files(mask):
    content = encoded(photo())
    with pytest.raises(MaskError, match="too_many_pixels"):
        read(replace(READER, max_pixels=2399), content, mask)
    with pytest.raises(MaskError, match="too_many_bytes"):
        read(replace(READER, max_bytes=10), content, mask)


def profile(size):
    """A colour profile, filled up to a size."""
    content = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return content + bytes(size - len(content))


@pytest.mark.parametrize(
    ("kind", "options", "lossy"),
    [
        ("PNG", {}, False),
        ("BMP", {}, False),
        ("TIFF", {}, False),
        ("JPEG", {}, True),
        ("WEBP", {}, True),
        ("WEBP", {"lossless": True}, False),
        # With a profile or metadata, the pixels are not what the file begins with.
        ("WEBP", {"icc_profile": profile(3001)}, True),
        ("WEBP", {"icc_profile": profile(3001), "lossless": True}, False),
    ],
)
def test_a_hole_is_grown_in_formats_that_smear_it(mask, kind, options, lossy):
    content = encoded(photo(), kind, **options)
    assert is_lossy(content) == lossy
    expected = grown(HOLE, LOSSY_GROW) if lossy else HOLE
    assert np.array_equal(read(READER, content, mask), expected)
    for pixels in (0, 5):
        found = read(replace(READER, grow=pixels), content, mask)
        assert np.array_equal(found, grown(HOLE, pixels))


def test_little_of_a_face_between_two_strokes_is_lost_to_jpeg(mask):
    """The gap is 12 pixels: three of 64 between strokes over a face of 250."""
    strokes = np.zeros(SHAPE, np.bool_)
    strokes[8:14] = strokes[26:32] = True
    write_photo(mask, np.where(strokes, 255, 0).astype(np.uint8))
    hole = read(READER, encoded(photo(), "JPEG"), mask)
    assert hole[8:14].all()
    assert not hole[16:24].any()


@pytest.mark.parametrize("hidden", [1.0, 0.95])
def test_a_hole_that_is_or_grows_over_all_of_the_photo_is_refused(tmp_path, hidden):
    levels = np.full(SHAPE, 255, np.uint8)
    levels[round(hidden * SHAPE[0]) :] = 0
    mask = write_photo(tmp_path / "m.png", levels)
    with pytest.raises(MaskError, match=r"whole photo.*complete\.mask_files"):
        read(replace(READER, grow=2), encoded(photo()), mask)


def test_what_jpeg_has_smeared_lies_within_the_grown_hole(mask):
    clean = photo().astype(int)
    for colour in ([255, 0, 255], [255] * 3, [0] * 3):
        content = encoded(painted(colour), "JPEG", quality=85, subsampling=2)
        other = encoded(photo(), "JPEG", quality=85, subsampling=2)
        changed = np.abs(decode_photo(content).astype(int) - decode_photo(other))
        outside = ~read(READER, content, mask)
        # Compression goes by blocks, but what is left there is hardly seen.
        assert changed[outside].mean() < 4.0
        assert changed[~HOLE & ~outside].mean() > 2 * changed[outside].mean()
    assert clean.std() > 10


@pytest.mark.parametrize("under", ["photo", "black"])
def test_transparent_pixels_are_the_hole_whatever_is_under_them(under):
    alpha = np.where(HOLE, 0, 255).astype(np.uint8)
    pixels = photo() if under == "photo" else painted([0] * 3)
    content = encoded(np.dstack([pixels, alpha]))
    assert np.array_equal(read(replace(READER, source="alpha"), content), HOLE)


def test_half_transparent_counts_by_the_middle():
    alpha = np.full(SHAPE, 128, np.uint8)
    alpha[HOLE] = 127
    content = encoded(np.dstack([photo(), alpha]))
    assert np.array_equal(read(replace(READER, source="alpha"), content), HOLE)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_photo_without_transparency_is_refused_where_its_hole_would_be(kind):
    content = encoded(photo(), kind)
    with pytest.raises(MaskError, match=r"no transparent pixel.*complete\.hole_from"):
        read(replace(READER, source="alpha"), content)
    opaque = encoded(np.dstack([photo(), np.full(SHAPE, 255, np.uint8)]))
    with pytest.raises(MaskError, match="no transparent pixel"):
        read(replace(READER, source="alpha"), opaque)
    with pytest.raises(MaskError, match="no transparent pixel"):
        replace(READER, source="alpha").read(photo(), b"", None)


@pytest.mark.parametrize(
    "colour", [[255] * 3, [0] * 3, [255, 0, 255], [0, 255, 0], [128] * 3]
)
def test_the_colour_that_is_painted_over_is_the_hole(colour):
    content = encoded(painted(colour))
    found = read(replace(READER, source="colour"), content)
    exactly = (painted(colour) == colour).all(axis=2)
    assert np.array_equal(found, exactly)
    # Few pixels of a photo have the very colour by themselves.
    assert (found & ~HOLE).sum() < 0.03 * HOLE.size


@pytest.mark.parametrize("colour", [[255] * 3, [255, 0, 255], [0, 255, 0]])
def test_a_painted_hole_is_found_after_jpeg(colour):
    content = encoded(painted(colour), "JPEG", quality=85)
    found = read(replace(READER, source="colour"), content)
    assert found[HOLE].all()
    assert found[grown(HOLE, LOSSY_GROW)].mean() > 0.95
    assert not found[~grown(HOLE, 3 * LOSSY_GROW)].all()
    assert found.mean() < 2.5 * HOLE.mean()


def test_near_colours_are_the_hole_where_they_touch_the_very_colour():
    pixels = np.full((*SHAPE, 3), 90, np.uint8)
    pixels += np.arange(60, dtype=np.uint8)[None, :, None]
    pixels[HOLE] = (255, 0, 255)
    pixels[25, 20:50] = (240, 10, 250)
    pixels[2:5, 2:5] = (250, 10, 250)
    exact = HOLE.copy()
    assert np.array_equal(flat_colour(pixels), exact)
    exact[25, 20:50] = True
    assert np.array_equal(flat_colour(pixels, 24), exact)
    assert np.array_equal(flat_colour(pixels, 12), HOLE)


def test_a_photo_without_a_colour_that_covers_any_of_it_is_refused():
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (60, 80, 3), np.uint8)
    with pytest.raises(MaskError, match=r"thousandth.*complete\.hole_from"):
        flat_colour(noise)


def test_a_reader_can_be_sent_to_another_process(mask):
    content = encoded(photo(), "JPEG")
    again = pickle.loads(pickle.dumps(READER))
    assert again == READER
    assert np.array_equal(read(again, content, mask), read(READER, content, mask))
