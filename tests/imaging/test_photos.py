"""Decoding is strict, encoding is exact, and pixels keep their meaning."""

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from facefill.errors import PhotoError
from facefill.imaging import photos, pictures
from photos import noise, write_photo

EVERY_VALUE = np.arange(256, dtype=np.uint8)


def encoded(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def test_every_value_survives_the_networks_range():
    values = pictures.to_float(EVERY_VALUE)
    assert values.dtype == np.float32
    assert (values[0], values[255]) == (-1.0, 1.0)
    assert np.array_equal(pictures.to_uint8(values), EVERY_VALUE)


def test_floats_are_rounded_to_the_nearest_value_and_clipped():
    step = 1 / 127.5
    floats = np.array([-3.0, -1 + 0.49 * step, -1 + 0.51 * step, 0.99999, 7.0])
    assert pictures.to_uint8(floats).tolist() == [0, 0, 1, 255, 255]


# What each orientation asks for, in numpy's words, written from the EXIF standard.
UPRIGHT = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: np.rot90,
}


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_photos_are_turned_upright(orientation):
    pixels = noise(5, 7)
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(Image.fromarray(pixels), "PNG", exif=exif)
    expected = UPRIGHT[orientation](pixels)
    assert np.array_equal(photos.decode_photo(content), expected)


def test_broken_exif_does_not_lose_a_photo():
    exif = b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\xff" * 30
    content = encoded(Image.fromarray(noise()), "JPEG", exif=exif)
    assert photos.decode_photo(content).shape == (24, 32, 3)


def test_sixteen_bits_keep_their_upper_eight():
    upper = np.arange(256, dtype=np.uint16)
    values = (upper << 8 | upper[::-1]).reshape(16, 16)
    content = encoded(Image.fromarray(values), "PNG")
    grey = (values >> 8).astype(np.uint8)
    assert np.array_equal(photos.decode_photo(content), np.dstack([grey] * 3))


def test_transparency_is_dropped_and_the_colour_under_it_kept():
    pixels = noise()
    alpha = noise(seed=1)[:, :, :1]
    content = encoded(Image.fromarray(np.dstack([pixels, alpha])), "PNG")
    assert np.array_equal(photos.decode_photo(content), pixels)


def test_grey_with_transparency_is_grey():
    grey, alpha = noise()[:, :, 0], noise(seed=1)[:, :, 0]
    content = encoded(Image.fromarray(np.dstack([grey, alpha]), "LA"), "PNG")
    assert np.array_equal(photos.decode_photo(content), np.dstack([grey] * 3))


@pytest.mark.filterwarnings("ignore:'mode' parameter:DeprecationWarning")
@pytest.mark.parametrize("transparency", [None, 3])
def test_palettes_are_looked_up(transparency):
    colours = noise(1, 256)[0]
    index = EVERY_VALUE.reshape(16, 16)
    image = Image.fromarray(index)
    image = Image.frombytes("P", (16, 16), index.tobytes())
    image.putpalette(colours.tobytes())
    options = {} if transparency is None else {"transparency": transparency}
    content = encoded(image, "PNG", **options)
    assert np.array_equal(photos.decode_photo(content), colours[index])


def test_printers_inks_become_colours():
    image = Image.new("CMYK", (16, 16), (255, 0, 0, 0))
    red, green, blue = photos.decode_photo(encoded(image, "JPEG"))[8, 8]
    assert red < 8
    assert min(green, blue) > 247


@pytest.mark.parametrize(("mode", "white"), [("1", 1), ("L", 255)])
def test_black_and_white_photos_have_three_channels(mode, white):
    content = encoded(Image.new(mode, (3, 2), white), "PNG")
    assert np.array_equal(photos.decode_photo(content), np.full((2, 3, 3), 255))


def test_the_first_frame_of_an_animation_counts():
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    content = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert photos.decode_photo(content)[0, 0].tolist() == [255, 0, 0]


def png_claiming(width, height):
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    crc = struct.pack(">I", zlib.crc32(chunk))
    data = struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + crc + data


@pytest.mark.parametrize("side", [5001, 12_000, 60_000])
def test_a_header_that_claims_too_many_pixels_is_refused_before_decoding(side):
    with pytest.raises(PhotoError) as caught:
        photos.decode_photo(png_claiming(side, side))
    assert caught.value.reason == "too_many_pixels"


def test_the_limit_of_pixels_is_exact():
    content = encoded(Image.fromarray(noise(10, 10)), "PNG")
    assert photos.decode_photo(content, max_pixels=100).shape == (10, 10, 3)
    with pytest.raises(PhotoError, match="10x10"):
        photos.decode_photo(content, max_pixels=99)


def truncated(kind):
    content = encoded(Image.fromarray(noise(64, 64)), kind)
    return content[: len(content) // 2]


DAMAGED = {
    "truncated JPEG": (truncated("JPEG"), {"truncated"}),
    "truncated PNG": (truncated("PNG"), {"truncated", "damaged"}),
    "text": (b"not a picture at all", {"not_a_picture"}),
    "PDF": (b"%PDF-1.7\n", {"not_a_picture"}),
    "JPEG start only": (b"\xff\xd8\xff\xe0", {"not_a_picture", "truncated"}),
    "floats": (
        encoded(Image.fromarray(np.ones((4, 4), np.float32)), "TIFF"),
        {"unsupported"},
    ),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_what_cannot_be_decoded_whole_is_refused(name):
    content, reasons = DAMAGED[name]
    with pytest.raises(PhotoError) as caught:
        photos.decode_photo(content)
    assert caught.value.reason in reasons


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_bytes_are_a_photo_or_a_reason_never_another_error(data):
    kind = data.draw(st.sampled_from(["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"]))
    content = bytearray(encoded(Image.fromarray(noise(16, 16)), kind))
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    try:
        photo = photos.decode_photo(bytes(content))
    except PhotoError:
        return
    assert photo.dtype == np.uint8
    assert photo.shape[2] == 3


def test_a_pipe_is_refused_without_waiting_for_it(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(PhotoError) as caught:
        photos.read_photo(tmp_path / "pipe.jpg")
    assert caught.value.reason == "not_a_file"


def test_files_that_cannot_be_read_have_a_reason(tmp_path):
    (tmp_path / "a.jpg").mkdir()
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "large.jpg").write_bytes(b"x" * 100)
    reasons = {}
    for name in ("a.jpg", "empty.jpg", "large.jpg", "absent.jpg"):
        with pytest.raises(PhotoError) as caught:
            photos.read_photo(tmp_path / name, max_bytes=99)
        reasons[name] = caught.value.reason
    assert reasons == {
        "a.jpg": "not_a_file",
        "empty.jpg": "empty",
        "large.jpg": "too_many_bytes",
        "absent.jpg": "unopenable",
    }


def test_a_name_that_is_not_utf8_can_be_read(tmp_path):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png"))
    write_photo(tmp_path / "cafe.png", noise()).rename(path)
    assert np.array_equal(photos.read_photo(path), noise())


@pytest.mark.parametrize("shape", [(1, 1, 3), (5, 9, 3), (64, 64, 3)])
def test_pngs_give_back_every_pixel(tmp_path, shape):
    pixels = noise(*shape[:2])
    pictures.write_png(tmp_path / "new/face.png", pixels)
    assert np.array_equal(pictures.read_png(tmp_path / "new/face.png"), pixels)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "new/face.png")), pixels)


def test_grey_pngs_stay_grey():
    grey = noise()[:, :, 0]
    image = Image.open(io.BytesIO(pictures.encode_png(grey)))
    assert image.mode == "L"
    assert np.array_equal(np.asarray(image), grey)


@pytest.mark.parametrize("content", [b"", b"text"])
def test_a_damaged_png_is_an_error(content):
    with pytest.raises(PhotoError, match="damaged"):
        pictures.decode_png(content)


def test_a_gif_holds_every_frame_at_its_rate_for_ever():
    frames = np.stack([np.full((8, 8, 3), value, np.uint8) for value in (0, 90, 255)])
    animation = Image.open(
        io.BytesIO(pictures.encode_gif(frames, frames_per_second=20))
    )
    assert animation.n_frames == 3
    assert animation.info["duration"] == 50
    assert animation.info["loop"] == 0
    animation.seek(2)
    assert np.asarray(animation.convert("RGB"))[0, 0].tolist() == [255, 255, 255]


@pytest.mark.parametrize("num_images", [1, 2, 3, 4, 5, 9, 10, 65])
@pytest.mark.parametrize("columns", [None, 1, 4])
def test_a_grid_shows_each_picture_once_in_reading_order(num_images, columns):
    cells = np.stack([noise(3, 4, seed) for seed in range(num_images)])
    picture = pictures.grid(cells, columns, gap=2)
    columns = columns or int(np.ceil(np.sqrt(num_images)))
    left = picture.astype(int)
    for index, expected in enumerate(cells):
        row, column = divmod(index, columns)
        place = np.s_[row * 5 : row * 5 + 3, column * 6 : column * 6 + 4]
        assert np.array_equal(picture[place], expected)
        left[place] = 255
    assert (left == 255).all()
    rows = -(-num_images // columns)
    assert picture.shape == (rows * 5 - 2, columns * 6 - 2, 3)


def test_a_grid_of_nothing_is_an_error():
    with pytest.raises(ValueError, match="one picture"):
        pictures.grid(np.empty((0, 4, 4, 3), np.uint8))


def test_the_perceptual_hash_follows_the_picture_and_not_its_file():
    ramp = np.repeat(np.linspace(0, 255, 90).astype(np.uint8)[None], 80, 0)
    photo = np.dstack([ramp] * 3)
    half = photo[::2, ::2]
    assert photos.perceptual_hash(photo) == "ff" * 8
    assert photos.perceptual_hash(half) == "ff" * 8
    assert photos.perceptual_hash(photo[:, ::-1].copy()) == "00" * 8
