"""Files are closed again: work on many needs no more descriptors than on one."""

import resource
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from facefill.imaging.mask_files import read_hole
from facefill.imaging.photos import decode_photo, hash_file, read_content, read_photo
from facefill.imaging.pictures import read_png, write_png
from facefill.parameters import AlignOptions, IngestOptions
from facefill.preparation.align_worker import AlignJob
from facefill.preparation.alignment import align_photos
from facefill.preparation.face_set import FaceSet, read_face_set, write_face_set
from facefill.preparation.ingestion import ingest
from facefill.runtime.files import file_sha256, write_bytes, write_json
from facefill.runtime.locks import exclusive
from facefill.runtime.result_cache import ResultCache
from facefill.training.checkpoints import Checkpoint, CheckpointStore
from photos import map_here, noise, write_photo

OPEN = Path("/proc/self/fd")
SPARE = 24

pytestmark = pytest.mark.skipif(not OPEN.is_dir(), reason="there is no /proc")


@pytest.fixture
def few_descriptors():
    """Allow a few more than are open."""
    usual = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(path.name) for path in OPEN.iterdir())
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + SPARE, usual[1]))
    yield lambda: len(list(OPEN.iterdir()))
    resource.setrlimit(resource.RLIMIT_NOFILE, usual)


def test_a_thousand_files_are_read_and_written_with_few_descriptors(
    tmp_path, few_descriptors
):
    path = write_photo(tmp_path / "a.png", noise())
    mask = write_photo(tmp_path / "mask.png", noise()[..., 0] // 200 * 255)
    before = few_descriptors()
    for number in range(250):
        content = read_content(path)
        decode_photo(content)
        read_photo(path)
        hash_file(path, 10**6)
        file_sha256(path)
        write_bytes(tmp_path / f"{number}.bin", content, synced=False)
        write_json(tmp_path / "one.json", {"number": number})
        write_png(tmp_path / "picture.png", noise())
        read_png(tmp_path / "picture.png")
        read_hole(mask, (24, 32), "white_is_hole")
        with exclusive(tmp_path / "locks", [f"stage {number % 3}"]):
            pass
    assert few_descriptors() == before


def test_refused_files_are_closed_too(tmp_path, few_descriptors):
    names = []
    for number, content in enumerate([b"", b"no picture", b"\xff\xd8\xff", b"GIF89a"]):
        names.append(tmp_path / f"photos/{number}.jpg")
        write_bytes(names[-1], content)
    for number in range(100):
        write_bytes(tmp_path / f"photos/more-{number}.png", b"\x89PNG\r\n\x1a\n")
    (tmp_path / "photos/link.jpg").symlink_to("gone")
    before = few_descriptors()
    options = AlignOptions(method="center_crop")
    manifest = ingest(
        tmp_path / "photos",
        ResultCache(tmp_path / "known"),
        IngestOptions(),
        options,
        map_here,
    )
    assert len(manifest) == 105
    assert set(manifest["status"]) == {"rejected"}
    assert few_descriptors() == before


def test_photos_sets_and_checkpoints_leave_nothing_open(tmp_path, few_descriptors):
    for number in range(120):
        write_photo(tmp_path / f"photos/{number:03d}.png", noise(40, 40, number))
    before = few_descriptors()
    options = AlignOptions(method="center_crop")
    known, records = (ResultCache(tmp_path / name) for name in ("known", "records"))
    manifest = ingest(tmp_path / "photos", known, IngestOptions(), options, map_here)
    job = AlignJob(tmp_path / "photos", tmp_path / "faces", 16, options)
    table = align_photos(manifest, job, records, map_here)
    assert (table["status"] == "aligned").all()
    faces = np.stack([read_png(tmp_path / "faces" / name) for name in table["face"]])
    splits = pd.DataFrame({"id": table["id"], "source": "", "split": "train"})
    for _ in range(20):
        write_face_set(tmp_path / "set.npy", FaceSet(faces, splits), faces_per_file=50)
        # Three arrays that are mapped, and let go.
        assert len(read_face_set(tmp_path / "set.npy").images) == 120
    store = CheckpointStore(tmp_path / "checkpoints")
    for step in range(60):
        store.save(Checkpoint(step, {"a": np.full(10, step)}, {"seed": 1}))
        assert store.latest().step == step
    assert few_descriptors() <= before + 4
