"""What the page says: errors with their cure, and what was found and done."""

from facefill.errors import FacefillError, MaskError, PhotoError
from facefill.parameters.defaults import MAX_PIXELS
from facefill.preparation.extraction import Extraction

MAX_UPLOAD_MB = 50
"""Of a photo's file, and of a mask's."""

NO_PHOTO = "There is no photo yet. Drop one under step 1."
NO_HOLE = (
    "There is no hole yet. Paint over what is missing under step 2, or upload a mask "
    "file there that is white where the photo is to be completed."
)
_AGAIN = "Copy or export it again from where it came, and drop it anew."
_CURES = {
    "not_a_picture": "This file is none of JPEG, PNG, WebP, BMP, GIF and TIFF. Export "
    "the photo as one of them; phones and editors export HEIC as JPEG.",
    "too_many_pixels": f"This photo has more than {MAX_PIXELS // 10**6} megapixels. "
    "Make it smaller in a photo editor first.",
    "too_many_bytes": f"This file is larger than {MAX_UPLOAD_MB} MB. Save the photo as "
    "JPEG, or make it smaller.",
    "empty": f"This file is empty. {_AGAIN}",
    "truncated": f"This file breaks off before its end. {_AGAIN}",
    "damaged": f"This file is damaged. {_AGAIN}",
    "unsupported": "This kind of picture cannot be read. Save the photo with 8 or 16 "
    "bits a channel, as PNG or JPEG.",
    "out_of_memory": "This machine has not enough memory for the photo. Close other "
    "programs, or make the photo smaller.",
}
_NO_FACE_CURE = (
    "Faces are found from about 40 pixels on, upright and seen from the front; cut the "
    "photo so that the face fills more of it, or turn it."
)


def message(error: FacefillError) -> str:
    """Say in a sentence or two what is wrong and what to do about it."""
    if isinstance(error, PhotoError):
        return _CURES.get(error.reason, f"This photo cannot be completed: {error}.")
    if isinstance(error, MaskError):
        return f"This hole cannot be filled: {error}."
    return f"{error}."


def what_was_found(found: Extraction, *, hole_is_known: bool) -> str:
    """Say that a photo has a face, or that it has none and what then.

    Args:
        found: What ``extract`` finds in it.
        hole_is_known: Whether it was told the hole.
    """
    faces = [face for face in found.faces if not face.reason]
    if faces:
        count = "Face" if len(faces) == 1 else f"{len(faces)} faces"
        return f"{count} found."
    if hole_is_known:
        return "**No face found.**"
    return (
        "**No face found yet.** It is looked for again once its hole is known. "
        + _NO_FACE_CURE
    )


def without_face() -> str:
    """Say that a hole was filled without a face."""
    return (
        "No face was found at this hole, so it was filled from what is around it. "
        "Paint over no more than what is missing: by the rest a face is found. "
        + _NO_FACE_CURE
    )
