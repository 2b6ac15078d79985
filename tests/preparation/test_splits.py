"""Nobody is on both sides of the split, and nobody changes sides."""

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facefill.preparation.splits import halves, identities, split

PEOPLE = [f"person{number}" for number in range(400)]
PHOTOS = [f"{person}/{number}.jpg" for person in PEOPLE for number in range(3)]


def sides(photo_ids, fraction=0.1, seed=1, contents=None):
    contents = contents or [f"hash of {photo_id}" for photo_id in photo_ids]
    return dict(zip(photo_ids, split(photo_ids, contents, fraction, seed), strict=True))


def is_held_out(found):
    """Whether each photo is on one side of the split or the other."""
    return {photo_id: side != "train" for photo_id, side in found.items()}


def test_all_photos_of_a_person_are_on_one_side():
    of_person = defaultdict(set)
    for photo_id, side in sides(PHOTOS).items():
        of_person[photo_id.split("/")[0]].add(side)
    assert {len(found) for found in of_person.values()} == {1}
    assert set.union(*of_person.values()) == {"train", "validation", "test"}


@pytest.mark.parametrize("fraction", [0.05, 0.1, 0.5, 0.9])
def test_the_share_is_about_what_was_asked_for(fraction):
    found = list(is_held_out(sides(PHOTOS, fraction)).values())
    # Four standard deviations of a share among 400 people.
    tolerance = 4 * (fraction * (1 - fraction) / len(PEOPLE)) ** 0.5
    assert abs(found.count(True) / len(found) - fraction) < tolerance


def test_photos_that_come_later_move_nobody():
    before, after = sides(PHOTOS[:900]), sides(PHOTOS)
    assert all(after[photo_id] == side for photo_id, side in before.items())


def test_the_seed_chooses_who_is_held_out():
    assert sides(PHOTOS, seed=1) == sides(PHOTOS, seed=1)
    assert sides(PHOTOS, seed=1) != sides(PHOTOS, seed=2)


def test_nothing_is_held_out_if_nothing_is_asked_for():
    assert set(sides(PHOTOS, fraction=0.0).values()) == {"train"}


@pytest.mark.parametrize("num_photos", [2, 3, 5])
@pytest.mark.parametrize("fraction", [0.01, 0.99])
def test_few_photos_still_give_both_sides(num_photos, fraction):
    found = sides([f"{number}.jpg" for number in range(num_photos)], fraction)
    assert set(is_held_out(found).values()) == {False, True}
    num_held_out = sum(side != "train" for side in found.values())
    assert ("validation" in found.values()) == (num_held_out > 1)
    assert "test" in found.values()


def test_a_single_photo_is_trained_on():
    assert sides(["1.jpg"], 0.9) == {"1.jpg": "train"}


def test_photos_in_no_folder_are_people_of_their_own():
    found = list(sides([f"{number}.jpg" for number in range(400)], 0.5).values())
    assert 120 < found.count("train") < 280


def test_a_folder_around_everything_is_no_person():
    wrapped = [f"celeba/img/{number}.jpg" for number in range(400)]
    assert set(sides(wrapped).values()) == {"train", "validation", "test"}
    assert identities(["lfw/Ann/1.jpg", "lfw/Bob/1.jpg"]) == [
        "folder Ann",
        "folder Bob",
    ]


def test_a_photo_that_two_people_share_puts_both_on_one_side():
    contents = [f"hash of {photo_id}" for photo_id in PHOTOS]
    for number in range(0, 1200, 6):  # pairs of people: 0 and 1, 2 and 3, ...
        contents[number + 3] = contents[number]
    found = sides(PHOTOS, 0.5, contents=contents)
    assert set(found.values()) == {"train", "validation", "test"}
    for one, other in zip(PEOPLE[::2], PEOPLE[1::2], strict=True):
        assert found[f"{one}/0.jpg"] == found[f"{other}/2.jpg"]


@given(
    st.lists(
        st.tuples(st.sampled_from(["", "a/", "b/", "a/b/"]), st.integers(0, 20)),
        min_size=1,
        max_size=20,
        unique=True,
    ),
    st.lists(st.integers(0, 5), min_size=20, max_size=20),
    st.floats(0.0, 0.99),
)
def test_no_content_and_no_person_is_on_both_sides_of_any_split(
    photos, contents, fraction
):
    photo_ids = [f"{folder}{number}.jpg" for folder, number in photos]
    hashes = [str(content) for content in contents[: len(photos)]]
    found = split(photo_ids, hashes, fraction, seed=1)
    for keys in (hashes, identities(photo_ids)):
        of_key = defaultdict(set)
        for key, side in zip(keys, found, strict=True):
            of_key[key].add(side)
        assert all(len(both) == 1 for both in of_key.values())


def test_who_is_held_out_is_as_before_there_were_halves():
    held_out = is_held_out(sides([f"{number}.jpg" for number in range(20)], 0.3))
    chosen = [int(name[:-4]) for name, held in held_out.items() if held]
    assert chosen == [2, 5, 10, 12, 14, 15]


def test_a_person_keeps_the_half_under_every_seed_and_whoever_else_is_held_out():
    of_person = defaultdict(set)
    for seed in range(6):
        for photo_id, side in sides(PHOTOS, 0.4, seed).items():
            of_person[photo_id.split("/")[0]].add(side)
    halves_met = [found - {"train"} for found in of_person.values()]
    assert max(len(found) for found in halves_met) == 1
    found = [next(iter(half)) for half in halves_met if half]
    # Four standard deviations of one half among as many people.
    assert abs(found.count("test") - len(found) / 2) < 2 * len(found) ** 0.5


def test_two_people_are_a_half_each_and_one_is_for_the_test():
    assert sorted(halves(["Ann", "Bob"]).values()) == ["test", "validation"]
    assert halves(["Ann"]) == {"Ann": "test"}
    assert halves([]) == {}
