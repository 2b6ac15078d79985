"""Whatever lies in the folder of photos is a row with a reason, in time and memory."""

import os
import random
import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import hostile
import preparing
from facefill.parameters import AlignOptions, IngestOptions
from facefill.preparation.align_worker import AlignJob
from facefill.preparation.alignment import align_photos
from facefill.preparation.ingestion import ingest
from facefill.runtime.result_cache import ResultCache
from photos import face_photo, map_here, noise, write_photo

MAX_MEMORY_MB = 2000


def reasons(table):
    return dict(zip(table["path"], table["reason"], strict=True))


def snapshot(folder):
    return {
        str(path): path.lstat().st_mtime_ns
        for path in sorted(folder.rglob("*"))
        if path.name != "special"  # a socket's own folder is touched by its making
    }


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_hostile_files_are_rows_with_the_reasons_that_they_should_have(tmp_path):
    expected = hostile.write(tmp_path / "photos", tmp_path / "outside")
    write_photo(tmp_path / "photos/face.png", face_photo())
    before = snapshot(tmp_path)
    figures = preparing.run(tmp_path, timeout_s=4.0, workers=2)
    prepared = preparing.read(tmp_path)
    found = reasons(prepared.manifest)
    assert len(expected) >= 60
    assert found.keys() == expected.keys() | {"face.png"}
    assert {
        path: reason
        for path, reason in found.items()
        if reason not in expected.get(path, {""})
    } == {}
    assert list(prepared.aligned["path"]) == list(prepared.manifest["path"])
    good = [path for path, reason in found.items() if not reason and path != "face.png"]
    fates = reasons(prepared.aligned)
    assert {fates[path] for path in good} == {"no_face"}
    assert set(prepared.files) == {"face.png.png"}
    assert max(figures["main_mb"], figures["worker_mb"]) < MAX_MEMORY_MB
    after = {path: time for path, time in snapshot(tmp_path).items() if path in before}
    assert after == before


def mutated(content, chosen):
    """Damage a file: change bytes, cut it, or move a piece of it."""
    content = bytearray(content)
    act = chosen.randrange(4)
    place = chosen.randrange(len(content))
    if act == 0:
        return bytes(content[:place])
    if act == 1:
        piece = content[place : place + chosen.randrange(1, 64)]
        target = chosen.randrange(len(content))
        return bytes(content[:target] + piece + content[target:])
    for _ in range(chosen.choice([1, 2, 4, 16])):
        # Headers are where a byte matters most.
        limit = len(content) if act == 2 else min(len(content), 200)
        content[chosen.randrange(limit)] = chosen.randrange(256)
    return bytes(content)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_thousand_damaged_files_are_a_thousand_rows(tmp_path):
    chosen = random.Random(0)
    images = [Image.fromarray(face_photo()).resize((96, 96)), hostile.picture(32, 32)]
    seeds = [
        (kind, hostile.encoded(image, kind))
        for image in images
        for kind in ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP")
    ]
    for number in range(1000):
        kind, content = seeds[number % len(seeds)]
        path = tmp_path / f"photos/{number % 7}/{number:04}.{kind}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(mutated(content, chosen))
    write_photo(tmp_path / "photos/face.png", face_photo())
    figures = preparing.run(tmp_path, timeout_s=20.0, workers=2)
    prepared = preparing.read(tmp_path)
    assert len(prepared.manifest) == len(prepared.aligned) == 1001
    fates = prepared.manifest["reason"].value_counts().to_dict()
    assert not fates.keys() & {"crashed", "timeout", "out_of_memory"}
    assert min(fates[""], fates["truncated"], fates["damaged"]) > 20
    assert figures["worker_mb"] < MAX_MEMORY_MB
    assert figures["main_mb"] < MAX_MEMORY_MB


LETTERS = string.ascii_letters[:4] + "A.é~#%_ \n-" + "1"
NAMES = st.one_of(
    st.text(LETTERS, min_size=1, max_size=4).filter(lambda name: name[0] != "."),
    st.sampled_from(["x", "x.png", "x.png.png", "x.PNG", "x#2", "x#1", "x%2Fy", "-x"]),
    st.sampled_from(["~" + "0" * 64, "y" * 255, "y" * 251 + ".png", "é" * 127]),
)
CONTENTS = st.one_of(
    st.integers(0, 5).map(lambda seed: hostile.encoded(hostile.picture(6, 6, seed))),
    st.sampled_from([b"", b"text", hostile.encoded(hostile.picture(6, 6))[:40]]),
)
TREES = st.lists(
    st.tuples(st.lists(NAMES, min_size=1, max_size=3), CONTENTS),
    min_size=1,
    max_size=8,
)


def write_tree(folder, tree):
    """Write what can be: a name cannot be of a file and of a folder."""
    for parts, content in tree:
        path = folder.joinpath(*parts)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            continue


@pytest.mark.slow
@pytest.mark.timeout(600)
@settings(
    max_examples=500,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(tree=TREES)
def test_of_any_tree_each_file_is_a_face_of_its_own_or_a_reason(
    tmp_path_factory, monkeypatch, tree
):
    # Thousands of syncs take minutes and say nothing about names.
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    root = tmp_path_factory.mktemp("tree")
    # One file that becomes a face, lest there be nothing to do.
    write_photo(root / "photos/z.bmp", noise(6, 6, 99))
    write_tree(root / "photos", tree)
    options = AlignOptions(method="center_crop")
    records = ResultCache(root / "seen"), ResultCache(root / "aligned")
    manifest = ingest(root / "photos", records[0], IngestOptions(), options, map_here)
    job = AlignJob(root / "photos", root / "faces", 16, options)
    table = align_photos(manifest, job, records[1], map_here)
    inputs = sorted(
        os.path.relpath(os.path.join(folder, name), root / "photos")  # noqa: PTH118
        for folder, _, names in os.walk(root / "photos")
        for name in names
    )
    outputs = sorted(
        str(path.relative_to(root / "faces"))
        for path in (root / "faces").rglob("*")
        if path.is_file()
    )
    assert list(table["path"]) == inputs
    aligned = table[table["status"] == "aligned"]
    assert len(outputs) + (table["status"] == "rejected").sum() == len(inputs)
    assert sorted(aligned["face"]) == outputs
    assert ((table["reason"] == "") == (table["status"] == "aligned")).all()
