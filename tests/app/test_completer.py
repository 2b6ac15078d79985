"""The page completes as ``facefill.complete`` does, and tells how far it is."""

import threading

import numpy as np
import pytest
import skimage.data
from PIL import Image

import facefill
from facefill import api
from facefill.app.completer import Choices, Completer
from facefill.errors import ModelError, PhotoError

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def completer():
    """One that is warm."""
    completer = Completer("pretrained")
    warm_up(completer)
    return completer


def warm_up(completer):
    before = set(threading.enumerate())
    completer.warm_up()
    for thread in set(threading.enumerate()) - before:
        thread.join()


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("given")
    pixels = skimage.data.astronaut()[:220, 110:330]
    hole = np.zeros(pixels.shape[:2], bool)
    hole[125:165, 85:145] = True
    Image.fromarray(pixels).save(folder / "ann.jpg", quality=92)
    Image.fromarray(hole).save(folder / "hole.png")
    return folder / "ann.jpg", folder / "hole.png"


def test_a_warm_completer_builds_no_search_and_its_bar_never_goes_back(
    completer, photo, tmp_path
):
    warm_up(completer)  # Other tests may have built searches, of which few are kept.
    told = []
    built = api._search.cache_info().misses

    result = completer.complete(*photo, Choices(), lambda *what: told.append(what))

    assert api._search.cache_info().misses == built > 0
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    searching = [share for share, doing in told if doing == "Searching for the face"]
    assert searching[0] < searching[-1]
    assert told[0] == (0.0, "Loading the model")
    assert told[-1] == (0.75, "Putting the face back")
    result.completion.save(tmp_path / "ours.jpg")
    facefill.complete(*photo).save(tmp_path / "expected.jpg")
    ours, expected = (tmp_path / name for name in ("ours.jpg", "expected.jpg"))
    assert ours.read_bytes() == expected.read_bytes()
    assert result.photo.shape == (220, 220, 3)
    assert len(result.found.faces) == 1


def test_what_is_chosen_counts(completer, photo):
    plain = completer.complete(*photo, Choices(fidelity=0.2), lambda *_: None)

    options = facefill.load_model().defaults.model_copy(update={"fidelity": 0.2})
    expected = facefill.complete(*photo, options=options)
    assert np.array_equal(plain.completion.photo, expected.photo)


def test_a_photo_is_shown_with_its_face_before_there_is_a_hole(completer, photo):
    pixels, found = completer.find_faces(photo[0])

    assert pixels.shape == (220, 220, 3)
    (face,) = found.faces
    assert face.box is not None


def test_errors_reach_whoever_asked(completer, photo, tmp_path):
    with pytest.raises(PhotoError):
        completer.find_faces(photo[0].with_name("absent.jpg"))
    with pytest.raises(ModelError):
        Completer(str(tmp_path)).complete(*photo, Choices(), lambda *_: None)


def test_a_model_that_is_absent_is_told_at_the_start(tmp_path, caplog):
    completer = Completer(str(tmp_path))

    completer._warm_up()

    assert "generator.keras" in caplog.text
