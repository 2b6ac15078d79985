"""Folders of the results of photos, which never have the name of a file of ours.

The grids and tables of a completion lie in the folder that has a folder for each
photo. Photos may be called ``preview.png`` or ``completed.png``, too.
"""

import re

OWN_FILES = frozenset(
    {
        "before.png",
        "masked.png",
        "completed.png",
        "blended.png",
        "completion.gif",
        "deviation.png",
        "low.png",
        "high.png",
        "mean.png",
        "samples.gif",
        "preview.png",
        "plan.parquet",
        "completions.parquet",
    }
)
"""Files of a completion that are of all its photos."""

# Some file systems take names for equal that differ in case.
_LIKE_OURS = re.compile(
    rf"^((?:{'|'.join(map(re.escape, sorted(OWN_FILES)))})_*)(?=$|[/#])", re.IGNORECASE
)


def result_folder(face_id: str) -> str:
    """Path of the results of a photo, or of one of its faces, below the completions.

    Injective: a name like ours, with underscores or without, has one more of them.

    Args:
        face_id: Path of the photo, or id of a face.

    Example:
        >>> result_folder("Ann/me.jpg"), result_folder("preview.png#2")
        ('Ann/me.jpg', 'preview.png_#2')
    """
    return _LIKE_OURS.sub(r"\1_", face_id)
