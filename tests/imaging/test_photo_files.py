"""A completed photo is the file that it was, but for its hole."""

import io
import struct
from functools import cache

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin, TiffImagePlugin

from facefill.imaging.photo_files import PhotoFile
from facefill.imaging.photos import decode_photo
from photos import face_photo, noise

HOLE = np.zeros((50, 70), bool)
HOLE[20:35, 30:60] = True
FILL = np.full((50, 70, 3), (90, 120, 200), np.uint8)


def picture(mode="RGB"):
    image = Image.fromarray(face_photo()).resize((70, 50))
    if mode in ("RGBA", "LA"):
        image.putalpha(Image.linear_gradient("L").resize((70, 50)))
    return image.convert(mode)


def encoded(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, format=kind, **options)
    return stream.getvalue()


def opened(content):
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


@cache  # a profile holds the second in which it was made
def some_profile():
    """A colour profile, that of sRGB."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


LOSSLESS = [
    *[("PNG", mode, {}) for mode in ("RGB", "RGBA", "L", "LA", "P", "1")],
    *[("TIFF", mode, {}) for mode in ("RGB", "L", "CMYK", "RGBA")],
    ("TIFF", "RGB", {"compression": "tiff_lzw"}),
    ("BMP", "RGB", {}),
    ("GIF", "P", {}),
    ("WEBP", "RGB", {"lossless": True}),
    ("WEBP", "RGBA", {"lossless": True, "exact": True}),
    ("WEBP", "RGB", {"lossless": True, "icc_profile": some_profile()}),
]


@pytest.mark.parametrize(("kind", "mode", "options"), LOSSLESS)
def test_pixels_outside_the_hole_are_the_same_numbers(kind, mode, options):
    content = encoded(picture(mode), kind, **options)
    filled = PhotoFile(content).filled(FILL, HOLE)
    before, after = opened(content), opened(filled)
    assert after.format == kind
    expanded = before.convert("RGB") if mode == "P" and kind == "PNG" else before
    assert after.mode == expanded.mode
    outside = ~HOLE
    assert np.array_equal(np.asarray(after)[outside], np.asarray(expanded)[outside])
    # Every pixel of the hole is the fill, as far as the mode can say it.
    shown = np.asarray(after.convert("RGB")).astype(int)[HOLE]
    limit = {"1": 256, "L": 128, "LA": 128, "P": 256, "CMYK": 3}.get(mode, 0)
    assert np.abs(shown - FILL[HOLE]).max() <= limit


def test_an_erased_hole_is_opaque_when_it_is_filled():
    image = picture().convert("RGBA")
    alpha = Image.fromarray(np.where(HOLE, 0, 255).astype(np.uint8))
    image.putalpha(alpha)
    filled = opened(PhotoFile(encoded(image, "PNG")).filled(FILL, HOLE))
    assert np.asarray(filled.getchannel("A")).min() == 255


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG"])
def test_a_turned_photo_is_filled_where_one_sees_the_hole(orientation, kind):
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(picture(), kind, exif=exif)
    upright = decode_photo(content)
    hole = np.zeros(upright.shape[:2], bool)
    hole[5:20, 8:30] = True
    result = upright.copy()
    result[hole] = (10, 200, 30)
    filled = PhotoFile(content).filled(result, hole)
    if kind != "TIFF":  # which is upright now
        assert opened(filled).getexif().get(0x0112) == orientation
    found = decode_photo(filled).astype(int)
    assert np.abs(found - result).mean() < (4 if kind == "JPEG" else 1e-9)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bits_stay_sixteen_bits(channels, suffix):
    shape = (50, 70) if channels == 1 else (50, 70, channels)
    deep = np.random.default_rng(0).integers(0, 65536, shape, np.uint16)
    content = cv2.imencode(suffix, deep)[1].tobytes()
    filled = PhotoFile(content).filled(FILL, HOLE)
    found = cv2.imdecode(np.frombuffer(filled, np.uint8), cv2.IMREAD_UNCHANGED)
    assert found.dtype == np.uint16
    assert np.array_equal(found[~HOLE], deep[~HOLE])
    if channels > 1:
        assert (found[HOLE][:, :3] == np.uint16([200, 120, 90]) * 257).all()


def test_jpeg_keeps_its_tables_sampling_and_metadata():
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    content = encoded(
        picture(),
        "JPEG",
        quality=83,
        subsampling=0,
        exif=exif,
        dpi=(300, 300),
        icc_profile=some_profile(),
        comment=b"hello",
        progressive=True,
    )
    before, after = opened(content), opened(PhotoFile(content).filled(FILL, HOLE))
    assert after.quantization == before.quantization
    assert after.layer == before.layer
    assert after.info["icc_profile"] == some_profile()
    assert after.info["dpi"] == (300, 300)
    assert after.info["comment"] == b"hello"
    assert after.info["progressive"]
    assert after.getexif()[0x010F] == "a camera"
    far = np.ones((50, 70), bool)
    far[8:48, 16:] = False
    difference = np.abs(np.asarray(before).astype(int) - np.asarray(after))
    assert np.quantile(difference[far], 0.99) <= 4


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_jpeg_of_other_modes_keeps_its_mode(mode):
    content = encoded(picture(mode), "JPEG", quality=90)
    after = opened(PhotoFile(content).filled(FILL, HOLE))
    assert after.mode == mode
    difference = np.abs(
        decode_photo(content).astype(int) - np.asarray(after.convert("RGB"))
    )
    assert difference[:8].max() <= 6


def test_png_keeps_every_chunk_that_is_not_of_pixels():
    text = PngImagePlugin.PngInfo()
    text.add_text("Title", "a photo")
    text.add_itxt("Author", "Zoë")
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    content = encoded(
        picture(),
        "PNG",
        pnginfo=text,
        icc_profile=some_profile(),
        dpi=(72, 72),
        exif=exif,
    )
    after = opened(PhotoFile(content).filled(FILL, HOLE))
    assert after.text == {"Title": "a photo", "Author": "Zoë"}
    assert after.info["icc_profile"] == some_profile()
    assert after.info["dpi"] == pytest.approx((72, 72), abs=0.1)
    assert after.getexif()[0x010F] == "a camera"
    assert after.size == (70, 50)


@pytest.mark.parametrize("mode", ["RGB", "P", "RGBA"])
def test_of_an_animated_png_the_first_picture_is_filled_and_kept_alone(mode):
    frames = [Image.fromarray(noise(50, 70, seed)).convert(mode) for seed in range(3)]
    stream = io.BytesIO()
    frames[0].save(stream, "PNG", save_all=True, append_images=frames[1:])
    after = opened(PhotoFile(stream.getvalue()).filled(FILL, HOLE))
    assert getattr(after, "n_frames", 1) == 1
    found = np.asarray(after.convert("RGB"))
    assert np.array_equal(found[HOLE], FILL[HOLE])
    assert np.array_equal(found[~HOLE], np.asarray(frames[0].convert("RGB"))[~HOLE])


def test_a_number_where_a_tiff_should_have_text_is_left_out():
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[270], tags[305] = "a photo", "3"
    content = encoded(picture(), "TIFF", tiffinfo=tags, compression="tiff_lzw")
    # The entry of tag 305: type 2 is text, of two bytes; 3 is a number of two bytes.
    text, number = (struct.pack("<HHI", 305, *entry) for entry in ((2, 2), (3, 1)))
    assert content.count(text) == 1
    content = content.replace(text, number)
    assert isinstance(opened(content).tag_v2[305], int)
    after = opened(PhotoFile(content).filled(FILL, HOLE))
    assert after.tag_v2[270] == "a photo"
    assert 305 not in after.tag_v2


def test_of_several_pictures_in_a_jpeg_the_first_is_filled(tmp_path):
    pixels = cv2.GaussianBlur(noise(40, 48), (0, 0), 4)
    path = tmp_path / "camera.jpg"
    others = [Image.fromarray(noise(40, 48, seed)) for seed in (1, 2)]
    Image.fromarray(pixels).save(
        path, format="MPO", save_all=True, append_images=others, quality=95
    )
    content = path.read_bytes()
    hole = np.zeros((40, 48), bool)
    hole[8:24, 8:32] = True
    file = PhotoFile(content)

    filled = file.filled(np.full((40, 48, 3), 200, np.uint8), hole)

    assert (file.format, file.suffix) == ("JPEG", ".jpg")
    with Image.open(io.BytesIO(filled)) as image:
        assert image.format == "JPEG"
        found = np.asarray(image).astype(int)
    assert np.abs(found[12:20, 12:28] - 200).max() < 12
    before = decode_photo(content).astype(int)
    assert np.abs(found[32:] - before[32:]).mean() < 2


def test_a_tiff_whose_compression_cannot_be_written_is_written_without_loss(
    monkeypatch,
):
    pixels = cv2.GaussianBlur(noise(40, 48), (0, 0), 4)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format="TIFF")
    hole = np.zeros((40, 48), bool)
    hole[8:24, 8:32] = True
    file = PhotoFile(stream.getvalue())
    unwritable = {"compression": "tiff_thunderscan"}
    monkeypatch.setattr(PhotoFile, "_tiff_options", lambda *_: dict(unwritable))

    filled = file.filled(np.full((40, 48, 3), 200, np.uint8), hole)

    expected = np.where(hole[..., None], np.uint8(200), pixels)
    assert np.array_equal(decode_photo(filled), expected)
