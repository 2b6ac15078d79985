"""Files that are hard on whoever decodes them, each with what may become of it."""

import io
import os
import socket
import struct
import zlib

import numpy as np
from PIL import Image, PngImagePlugin

from photos import noise

FINE = {""}
BROKEN = {"truncated", "damaged"}
FOREIGN = {"not_a_picture"}
LARGE = {"too_many_pixels"}


SMALL = {"too_small"}


def encoded(image, kind="PNG", **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def picture(height=24, width=32, seed=0):
    return Image.fromarray(noise(height, width, seed))


def png_chunk(kind, data):
    return (
        struct.pack(">I", len(data))
        + kind
        + data
        + struct.pack(">I", zlib.crc32(kind + data))
    )


def png(width, height, *chunks):
    """Make a PNG of 8 bit RGB that claims a size, without pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [png_chunk(b"IHDR", header), *chunks, png_chunk(b"IDAT", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def many_scans(num_scans=60_000, side=2000):
    """Make a progressive JPEG whose last scan comes again and again.

    A scan without detail is a few bytes, and every block of the photo is gone
    through for each: minutes of decoding in one file of a megabyte.
    """
    content = encoded(Image.new("L", (side, side)), "JPEG", progressive=True)
    start = content.rindex(b"\xff\xda")
    scan, end = content[start:-2], content[-2:]
    return content[:start] + scan * num_scans + end


def tiff_that_points_at_itself():
    content = bytearray(encoded(picture(), "TIFF"))
    (directory,) = struct.unpack_from("<I", content, 4)
    (num_entries,) = struct.unpack_from("<H", content, directory)
    struct.pack_into("<I", content, directory + 2 + 12 * num_entries, directory)
    return bytes(content)


def tiff_with(tag, value):
    """Change the value of a tag of a small TIFF."""
    content = bytearray(encoded(picture(), "TIFF"))
    (directory,) = struct.unpack_from("<I", content, 4)
    (num_entries,) = struct.unpack_from("<H", content, directory)
    for number in range(num_entries):
        entry = directory + 2 + 12 * number
        if struct.unpack_from("<H", content, entry)[0] == tag:
            struct.pack_into("<HII", content, entry + 2, 4, 1, value)
    return bytes(content)


def bmp_with(offset, layout, value):
    content = bytearray(encoded(picture(), "BMP"))
    struct.pack_into(layout, content, offset, value)
    return bytes(content)


def with_orientation(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(picture(5, 7, orientation), "PNG", exif=exif)


def cuts(kind):
    content = encoded(picture(64, 64), kind)
    shares = {"1%": 0.01, "10%": 0.1, "50%": 0.5, "95%": 0.95}
    for name, share in shares.items():
        yield f"cut at {name}.{kind}", content[: int(len(content) * share)]


def contents():
    """Give files by name: their bytes, and the reasons that they may have."""
    for kind in ("JPEG", "PNG"):
        for name, content in cuts(kind):
            yield name, content, BROKEN | FOREIGN
        whole = encoded(picture(64, 64, 1), kind)
        # What is lost are the marks of the end, behind the last pixel.
        yield f"last byte lost.{kind}", whole[:-1], BROKEN | FINE
    for side in (5001, 9000, 9487, 14_000, 65_000):
        yield f"claims {side}.png", png(side, side), LARGE
    yield "claims what is allowed.png", png(5000, 5000), BROKEN
    yield "claims nothing.png", png(0, 0), BROKEN | FOREIGN
    yield "line.png", encoded(Image.new("RGB", (1, 65_535))), SMALL
    yield "other line.png", encoded(Image.new("RGB", (65_535, 1))), SMALL
    yield "many scans.jpg", many_scans(), {"timeout"}
    text = PngImagePlugin.PngInfo()
    text.add_text("comment", "x" * 60_000_000, zip=True)
    yield "text bomb.png", encoded(picture(seed=2), pnginfo=text), BROKEN | FOREIGN
    profile = zlib.compress(bytes(200_000_000))
    yield "profile.png", png(9, 9, png_chunk(b"iCCP", b"a\0\0" + profile)), BROKEN
    yield from others()
    yield from legitimate()


def others():
    """Give what is no photo, or pretends to be another kind of one."""
    yield "empty.jpg", b"", {"empty"}
    yield "zeros.jpg", bytes(5000), FOREIGN
    yield "start only.jpg", b"\xff\xd8\xff", FOREIGN | BROKEN
    yield "postscript.jpg", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9", FOREIGN
    yield "drawing.png", b"<svg xmlns='http://www.w3.org/2000/svg'/>", FOREIGN
    yield "page.png", b"<html><body onload=alert(1)>", FOREIGN
    yield "document.jpg", b"%PDF-1.7\n1 0 obj\n", FOREIGN
    yield "archive.png", b"PK\x03\x04" + bytes(100), FOREIGN
    yield "program.jpg", b"\x7fELF\x02\x01\x01" + bytes(100), FOREIGN
    for kind in ("PPM", "ICO", "PCX", "TGA", "JPEG2000", "SGI"):
        yield f"a {kind}.jpg", encoded(picture(16, 16, 3), kind), FOREIGN
    yield "a GIF.jpg", encoded(picture(seed=4), "GIF"), FINE
    yield "a TIFF.jpg", encoded(picture(seed=5), "TIFF"), FINE
    frames = [picture(seed=number) for number in range(6, 9)]
    for kind in ("GIF", "PNG", "WEBP", "TIFF"):
        content = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
        yield f"moves.{kind}", content, FINE
    yield "itself.tif", tiff_that_points_at_itself(), FINE | BROKEN
    yield "tiff of bytes.tif", tiff_with(279, 2**31), BROKEN | FINE
    yield "tiff of offsets.tif", tiff_with(273, 2**31), BROKEN
    yield "tiff wide.tif", tiff_with(256, 2**30), LARGE | BROKEN | FOREIGN
    floats = Image.fromarray(np.full((4, 4), np.nan, np.float32))
    yield "floats.tif", encoded(floats, "TIFF"), {"unsupported"}
    integers = Image.fromarray(np.full((4, 4), 2**30, np.int32))
    yield "integers.tif", encoded(integers, "TIFF"), {"unsupported"}
    yield "wide.bmp", bmp_with(18, "<i", 2**31 - 1), LARGE | BROKEN | FOREIGN
    yield "upside down.bmp", bmp_with(22, "<i", -24), FINE | BROKEN
    yield "compressed.bmp", bmp_with(30, "<I", 99), BROKEN | FOREIGN


def legitimate():
    """Give rare but good photos."""
    grey = noise(seed=9)[:, :, 0]
    yield "one bit.png", encoded(Image.fromarray(grey).convert("1")), FINE
    yield "grey.png", encoded(Image.fromarray(grey)), FINE
    yield "grey and alpha.png", encoded(picture(seed=10).convert("LA")), FINE
    yield "alpha.png", encoded(picture(seed=11).convert("RGBA")), FINE
    palette = picture(seed=12).convert("P")
    yield "palette.png", encoded(palette, transparency=3), FINE
    yield "16 bit.png", encoded(Image.fromarray(grey.astype(np.uint16) * 257)), FINE
    yield "inks.jpg", encoded(picture(seed=13).convert("CMYK"), "JPEG"), FINE
    yield "one pixel.png", encoded(picture(1, 1)), SMALL
    # NumPy takes any stride along an axis of one pixel; dlib does not.
    for mode in ("P", "LA", "RGBA", "L", "1"):
        for width, height in ((1, 1), (1, 40), (40, 1)):
            pixel = Image.new(mode, (width, height))
            yield f"pixel {mode} {width}x{height}.png", encoded(pixel), SMALL
    yield "tracking.gif", encoded(Image.new("P", (1, 1)), "GIF", transparency=0), SMALL
    yield "thin.png", encoded(Image.new("RGBA", (5, 40))), FINE
    for orientation in range(10):
        yield f"turned {orientation}.png", with_orientation(orientation), FINE
    exif = b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\xff" * 30
    yield "broken exif.jpg", encoded(picture(seed=14), "JPEG", exif=exif), FINE


NAMES = [
    "with space.png",
    "-rf.png",
    "quote'\".png",
    "new\nline.png",
    "%2e%2e%2f.png",
    "$(touch canary).png",
    "caf\u00e9.png",
    "cafe\u0301.png",
    "\u202egnp.exe.png",
    "\U0001f600.png",
    "CON",
    "dot..",
    "UPPER.PNG",
    "upper.png",
    "back\\slash.png",
    "a" * 251 + ".png",
    "\u00e4" * 125 + ".png",
    "no suffix",
    "face.png.png",
    "x#2.png",
    "~" + "0" * 64,
    "d\u0131r/\u0130.png",
    "/".join(["deep"] * 60) + "/x.png",
]


def write(folder, outside):
    """Fill a folder, and one that nothing may come from; give the reasons by path."""
    expected = {}
    for name, content, reasons in contents():
        _write(folder / "contents" / name, content)
        expected[f"contents/{name}"] = reasons
    for seed, name in enumerate(NAMES):
        _write(folder / "names" / name, encoded(picture(seed=100 + seed)))
        expected[f"names/{name}"] = FINE
    return expected | _write_special(folder / "special", folder, outside)


def _write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _write_special(special, root, outside):
    _write(outside / "secret.png", encoded(picture(seed=200)))
    _write(special / "a.jpg/good.png", encoded(picture(seed=201)))
    _write(special / ".hidden.png", encoded(picture(seed=202)))
    os.mkfifo(special / "pipe.jpg")
    with socket.socket(socket.AF_UNIX) as listener:
        # A path of its own: those of sockets may have a hundred bytes only.
        here = os.open(special, os.O_RDONLY)
        listener.bind(f"/proc/self/fd/{here}/socket.jpg")
        os.close(here)
    targets = {
        "outside.png": outside / "secret.png",
        "outside": outside,
        "up.png": "../../outside/secret.png",
        "broken.png": "nothing",
        "loop.png": "loop.png",
        "tree": root,
        "to pipe.jpg": "pipe.jpg",
        "zero.jpg": "/dev/zero",
        "inside.png": "a.jpg/good.png",
    }
    for name, target in targets.items():
        (special / name).symlink_to(target)
    raw = os.fsencode(special) + b"/\xff\xfe.png"
    with open(raw, "wb") as stream:  # noqa: PTH123  # pathlib has no names in bytes
        stream.write(encoded(picture(seed=203)))
    reasons = {
        "a.jpg/good.png": "",
        ".hidden.png": "hidden",
        "pipe.jpg": "not_a_file",
        "socket.jpg": "not_a_file",
        "outside.png": "outside",
        "outside": "outside",
        "up.png": "outside",
        "broken.png": "broken_link",
        "loop.png": "broken_link",
        "tree": "link_to_folder",
        "to pipe.jpg": "not_a_file",
        "zero.jpg": "outside",
        "inside.png": "",
        "\\xff\\xfe.png": "bad_name",
    }
    return {f"special/{name}": {reason} for name, reason in reasons.items()}
