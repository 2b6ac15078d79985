"""Names of files made from names of photos, no two photos sharing one.

A photo's id is its path relative to the folder of photos, with its suffix:
``Ann/0001.jpg``. Its largest face has the same id, a second one
``Ann/0001.jpg#2``. Two names are made of a face's id: that in a tree like the
photos' (``Ann/0001.jpg.png``), and that in a flat folder (``Ann%2F0001.jpg.png``).

Both are injective, the argument being the same: names that fit are encoded
reversibly, those that do not end in ``~`` and a SHA-256 of the whole id, and a
name that ends like that by itself is treated as one that does not fit. So two
ids share a name only if they share a SHA-256.
"""

import hashlib
import re
from pathlib import PurePosixPath

PNG_SUFFIX = ".png"
MAX_NAME_BYTES = 255
_HASHED = re.compile(r"~[0-9a-f]{64}$")
_NUMBERED = re.compile(r"#[0-9]+$")
_LOOKS_LIKE_A_FACE = re.compile(r"\.png_*$", re.IGNORECASE)


def face_id(photo_id: str, number: int = 1) -> str:
    """Name one of the faces of a photo, the first like the photo.

    Injective: what ends in a number was given one, and taking it off leads back.

    Args:
        photo_id: Path of the photo.
        number: Of the face, from 1.

    Example:
        >>> face_id("Ann/0001.jpg"), face_id("Ann/0001.jpg", 2), face_id("Ann/me#2")
        ('Ann/0001.jpg', 'Ann/0001.jpg#2', 'Ann/me#2#1')
    """
    if number == 1 and not _NUMBERED.search(photo_id):
        return photo_id
    return f"{photo_id}#{number}"


def photo_of(face: str) -> str:
    """Path of the photo that a face is of, from the id that ``face_id`` gave it.

    Example:
        >>> [photo_of(face) for face in ("Ann/0001.jpg", "Ann/0001.jpg#2", "me#2#1")]
        ['Ann/0001.jpg', 'Ann/0001.jpg', 'me#2']
    """
    return _NUMBERED.sub("", face)


def flat_name(photo_id: str) -> str:
    """Name a face in a flat folder, by its id.

    Example:
        >>> flat_name("Ann/0001.jpg")
        'Ann%2F0001.jpg.png'
    """
    escaped = photo_id.replace("%", "%25").replace("/", "%2F")
    return _fitting(escaped, photo_id) + PNG_SUFFIX


def tree_name(photo_id: str) -> str:
    """Name a face in a tree of folders like that of the photos, by its id.

    A folder called ``x.png`` becomes ``x.png_``: the face of a photo ``x`` beside
    it takes the name ``x.png``.

    Example:
        >>> tree_name("Ann/0001.jpg")
        'Ann/0001.jpg.png'
    """
    path = PurePosixPath(photo_id)
    folders = [
        folder + "_" if _LOOKS_LIKE_A_FACE.search(folder) else folder
        for folder in path.parts[:-1]
    ]
    folders = [_fitting(folder, folder) for folder in folders]
    return "/".join([*folders, _fitting(path.name, path.name) + PNG_SUFFIX])


def _fitting(name: str, whole: str) -> str:
    limit = MAX_NAME_BYTES - len(PNG_SUFFIX)
    if len(name.encode()) <= limit and not _HASHED.search(name):
        return name
    ending = "~" + hashlib.sha256(whole.encode()).hexdigest()
    start = name.encode()[: limit - len(ending)].decode(errors="ignore")
    return start + ending
