"""Names of files made from names of photos, no two photos sharing one.

A photo's id is its path relative to the folder of photos, with its suffix:
``Ann/0001.jpg``. Two names are made of it: that of its face in a tree like the
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
_LOOKS_LIKE_A_FACE = re.compile(r"\.png_*$", re.IGNORECASE)


def flat_name(photo_id: str) -> str:
    """Name the face of a photo in a flat folder.

    Example:
        >>> flat_name("Ann/0001.jpg")
        'Ann%2F0001.jpg.png'
    """
    escaped = photo_id.replace("%", "%25").replace("/", "%2F")
    return _fitting(escaped, photo_id) + PNG_SUFFIX


def tree_name(photo_id: str) -> str:
    """Name the face of a photo in a tree of folders like that of the photos.

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
