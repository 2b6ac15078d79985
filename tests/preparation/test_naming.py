"""No two photos share a name, whatever they are called."""

import hashlib
from pathlib import PurePosixPath

from hypothesis import given, settings
from hypothesis import strategies as st

from facefill.preparation.naming import face_id, flat_name, photo_of, tree_name

# Letters that encodings trip over, and pieces of our own encodings.
PIECES = st.one_of(
    st.sampled_from(["a", "A", "%", "%2F", "~", ".png", "_", "é", "0001.jpg", " "]),
    st.sampled_from(["~" + hashlib.sha256(text).hexdigest() for text in (b"", b"a")]),
    st.text("ab%/.", min_size=1, max_size=3).map(lambda text: text.replace("/", "%2F")),
    st.just("x" * 200),
)
NAMES = st.lists(PIECES, min_size=1, max_size=3).map("".join)
NAMES = NAMES.filter(lambda name: len(name.encode()) <= 255 and name not in (".", ".."))
PHOTO_IDS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)


@st.composite
def trees(draw):
    """Draw photos, some beside others that a careless encoding takes them for."""
    photo_ids = draw(st.lists(PHOTO_IDS, min_size=1, max_size=4))
    for photo_id in list(photo_ids):
        folder, _, name = photo_id.rpartition("/")
        photo_ids += draw(
            st.sampled_from(
                [
                    [photo_id.replace("/", "%2F")],
                    [photo_id.replace("%2F", "%252F")],
                    [f"{photo_id}.png/1.jpg"],
                    [f"{photo_id}.png/1.jpg", f"{photo_id}.png_/1.jpg"],
                    [f"{folder}%2F{name}"],
                ]
            )
        )
    # A path is a photo or a folder of photos, not both.
    folders = {
        str(parent) for one in photo_ids for parent in PurePosixPath(one).parents
    }
    possible = [one for one in set(photo_ids) if one not in folders]
    return [one for one in possible if max(map(len_bytes, one.split("/"))) <= 255]


def len_bytes(name):
    return len(name.encode())


@settings(max_examples=500, deadline=None)
@given(trees())
def test_photos_never_share_a_flat_name(photo_ids):
    names = [flat_name(photo_id) for photo_id in photo_ids]
    assert len(set(names)) == len(photo_ids)
    assert all("/" not in name and len(name.encode()) <= 255 for name in names)


@settings(max_examples=500, deadline=None)
@given(trees())
def test_photos_never_share_a_place_in_the_tree_of_faces(photo_ids):
    names = [tree_name(photo_id) for photo_id in photo_ids]
    folders = {str(parent) for name in names for parent in PurePosixPath(name).parents}
    assert len(set(names)) == len(photo_ids)
    assert not folders & set(names)
    parts = [part for name in names for part in name.split("/")]
    assert all(len(part.encode()) <= 255 for part in parts)


def test_a_name_made_to_look_shortened_does_not_meet_the_shortened_one():
    long = "x" * 255
    shortened = flat_name(long)
    assert flat_name(shortened.removesuffix(".png")) != shortened


def test_equal_names_in_two_folders_stay_two():
    assert flat_name("Ann/0001.jpg") == "Ann%2F0001.jpg.png"
    assert flat_name("Bob/0001.jpg") == "Bob%2F0001.jpg.png"
    assert tree_name("Ann/0001.jpg") == "Ann/0001.jpg.png"


@settings(max_examples=500, deadline=None)
@given(trees(), st.lists(st.integers(1, 12), min_size=1, max_size=3, unique=True))
def test_faces_of_photos_never_share_an_id_or_a_name(photo_ids, numbers):
    photo_ids += [f"{photo_id}#{number}" for photo_id in photo_ids for number in (1, 2)]
    photo_ids = [one for one in set(photo_ids) if len_bytes(one) <= 255]
    ids = [face_id(photo_id, number) for photo_id in photo_ids for number in numbers]
    assert [photo_of(face) for face in ids] == [
        photo_id for photo_id in photo_ids for _ in numbers
    ]
    assert len(set(ids)) == len(photo_ids) * len(numbers)
    for name in (flat_name, tree_name):
        assert len({name(one) for one in ids}) == len(ids)


def test_the_only_face_of_a_photo_is_called_like_the_photo():
    assert face_id("Ann/0001.jpg") == "Ann/0001.jpg"
