"""What the page says of errors, and of faces."""

import pytest

from facefill.app.messages import message, what_was_found
from facefill.errors import MaskError, ModelError, PhotoError
from facefill.imaging.photos import decode_photo
from facefill.preparation.extraction import Extraction, Face
from hostile import encoded, picture


@pytest.mark.parametrize(
    ("content", "cure"),
    [
        (b"ftypheic, not a picture to us", "Export the photo"),
        (encoded(picture(64, 64), "JPEG")[:-300], "Copy or export it again"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_its_cure(content, cure):
    with pytest.raises(PhotoError) as caught:
        decode_photo(content)

    assert cure in message(caught.value)


def test_a_photo_of_too_many_pixels_is_told_the_limit():
    content = encoded(picture(64, 64), "JPEG")
    with pytest.raises(PhotoError) as caught:
        decode_photo(content, max_pixels=100)

    assert "25 megapixels" in message(caught.value)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (PhotoError("odd"), "This photo cannot be completed: odd."),
        (MaskError("is black"), "This hole cannot be filled: is black."),
        (ModelError("no model"), "no model."),
    ],
)
def test_any_other_error_says_what_it_says(error, text):
    assert message(error) == text


def test_it_is_said_whether_a_face_was_found():
    face = Face("", None, None, None, None)
    blurred = Face("blurred", None, None, None, None)

    def said(*faces, known=False):
        return what_was_found(Extraction(len(faces), "", [*faces]), hole_is_known=known)

    assert said(face) == said(face, known=True) == "Face found."
    assert said(face, face) == "2 faces found."
    assert said(blurred).startswith("**No face found yet.**")
    assert said(known=True) == "**No face found.**"
