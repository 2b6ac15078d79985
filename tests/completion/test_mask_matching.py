import unicodedata

import pytest

from facefill.completion.mask_matching import describe_unused, match_masks


@pytest.mark.parametrize(
    ("photo", "mask"),
    [
        ("ann.jpg", "ann.jpg.png"),
        ("ann.jpg", "ann.png"),
        ("ann.jpg", "ann.jpg"),
        ("ann.png", "ANN.PNG"),
        ("a/b/ann.jpeg", "a/b/ann.webp"),
        ("ann.jpg", "ann.TIFF"),
        ("Zoë.jpg", unicodedata.normalize("NFD", "Zoë.png")),
        (unicodedata.normalize("NFD", "Zoë.jpg"), "Zoë.jpg.png"),
        ("no suffix", "no suffix.png"),
        ("ann.2020.jpg", "ann.2020.png"),
        ("STRASSE.jpg", "straße.png"),
    ],
)
def test_a_mask_is_found_by_whole_name_or_stem_as_people_read_it(photo, mask):
    matches = match_masks([photo, "other.jpg"], [mask])
    assert matches.masks == {photo: mask}
    assert matches.unused == []
    assert matches.rivals == {}


@pytest.mark.parametrize(
    "file", ["ann_mask.png", "sub/ann.png", "ann.jpg.txt", "ann", ".png", "b.png"]
)
def test_what_fits_no_photo_is_told(file):
    matches = match_masks(["ann.jpg"], [file])
    assert matches.masks == {}
    assert matches.unused == [file]


def test_a_stem_that_two_photos_share_fits_neither_but_whole_names_do():
    photos = ["a.jpg", "a.png"]
    assert match_masks(photos, ["a.webp"]).unused == ["a.webp"]
    both = match_masks(photos, ["a.jpg.png", "a.png.png"])
    assert both.masks == {"a.jpg": "a.jpg.png", "a.png": "a.png.png"}


def test_the_whole_name_comes_before_the_stem():
    matches = match_masks(["a.jpg"], ["a.png", "a.jpg.png"])
    assert matches.masks == {"a.jpg": "a.jpg.png"}
    assert matches.unused == ["a.png"]


def test_two_masks_that_fit_alike_are_rivals_and_none_is_taken():
    matches = match_masks(["a.jpg"], ["a.png", "a.webp"])
    assert matches.masks == {}
    assert matches.rivals == {"a.jpg": ["a.png", "a.webp"]}


def test_the_line_on_unused_files_names_each_and_the_nearest_photo():
    line = describe_unused(["ann_mask.png", "zzz.png"], ["ann.jpg", "bob.jpg"])
    assert "2 of the mask files" in line
    assert "ann_mask.png (did you mean ann.jpg.png?)" in line
    assert "zzz.png;" in line
