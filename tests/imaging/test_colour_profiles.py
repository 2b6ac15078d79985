"""The numbers of a photo are those of its profile, coming and going."""

import io
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from facefill.imaging.colour_profiles import from_srgb, to_srgb
from facefill.imaging.photo_files import PhotoFile
from facefill.imaging.photos import decode_photo

COLOURS = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)


def display_p3():
    """Make the profile of Display P3: that of sRGB with other primaries."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    profile = bytearray(srgb.tobytes())
    # D50-adapted columns of Display P3's matrix, as Apple's profile has them.
    columns = {
        b"rXYZ": (0.51512, 0.2412, -0.00105),
        b"gXYZ": (0.29198, 0.69225, 0.04189),
        b"bXYZ": (0.1571, 0.06657, 0.78407),
    }
    count = int.from_bytes(profile[128:132], "big")
    for entry in range(count):
        at = 132 + 12 * entry
        name = bytes(profile[at : at + 4])
        if name in columns:
            offset = int.from_bytes(profile[at + 4 : at + 8], "big")
            for axis, value in enumerate(columns[name]):
                number = round(value * 65536).to_bytes(4, "big", signed=True)
                profile[offset + 8 + 4 * axis : offset + 12 + 4 * axis] = number
    profile[84:100] = bytes(16)  # the profile's own hash is not that of these bytes
    return bytes(profile)


def png(pixels, profile):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", icc_profile=profile)
    return stream.getvalue()


def test_red_of_srgb_in_display_p3_is_read_as_red():
    red = np.full((8, 8, 3), (234, 51, 35), np.uint8)
    found = decode_photo(png(red, display_p3()))
    assert np.abs(found.astype(int) - (255, 0, 0)).max() <= 3


@pytest.mark.parametrize("profile", [None, b"", b"no profile", zlib.compress(b"x")])
def test_without_a_profile_that_can_be_read_the_numbers_are_srgb(profile):
    image = Image.fromarray(COLOURS)
    assert np.array_equal(np.asarray(to_srgb(image, profile)), COLOURS)
    assert np.array_equal(np.asarray(from_srgb(image, profile, "RGB")), COLOURS)


def test_the_profile_of_srgb_changes_no_number():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert np.array_equal(decode_photo(png(COLOURS, profile)), COLOURS)


def test_a_profile_of_another_mode_counts_as_none():
    grey = Image.fromarray(COLOURS[..., 0])
    found = np.asarray(to_srgb(grey, display_p3()))
    assert np.array_equal(found, np.repeat(COLOURS[..., :1], 3, axis=-1))


def test_what_is_filled_has_the_photos_colours_and_its_profile():
    profile, hole = display_p3(), np.zeros((20, 30), bool)
    hole[5:15, 5:25] = True
    content = png(COLOURS, profile)
    result = decode_photo(content)
    result[hole] = (200, 140, 120)
    filled = PhotoFile(content).filled(result, hole)
    image = Image.open(io.BytesIO(filled))
    assert image.info["icc_profile"] == profile
    assert np.array_equal(np.asarray(image)[~hole], COLOURS[~hole])
    seen = decode_photo(filled)[hole].astype(int)
    assert np.abs(seen - (200, 140, 120)).max() <= 2
