"""Prepares a folder of photos in a process of its own, with the pipeline's nodes."""

import hashlib
import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from facefill.datasets import TableDataset
from facefill.parameters import AlignOptions, IngestOptions
from facefill.pipelines.prepare.nodes import align_faces, ingest_photos
from facefill.runtime.files import remove_litter_of


@dataclass(frozen=True)
class Prepared:
    """What a preparation has left.

    Attributes:
        manifest: A row a file.
        aligned: A row a photo.
        files: SHA-256 of every file in the folder of faces, by path.
    """

    manifest: pd.DataFrame
    aligned: pd.DataFrame
    files: dict[str, str]

    def differences(self, other):
        """Name what is not as in another preparation."""
        return [
            name
            for name, is_same in {
                "manifest": self.manifest.equals(other.manifest),
                "aligned": self.aligned.equals(other.aligned),
                "files": self.files == other.files,
            }.items()
            if not is_same
        ]


def start(root, **options):
    """Begin to prepare ``root/photos``; gives the process."""
    command = [sys.executable, __file__, str(root), json.dumps(options)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )


def run(root, **options):
    """Prepare ``root/photos``; gives seconds, and the megabytes of each process."""
    with start(root, **options) as process:
        output, _ = process.communicate()
    assert process.returncode == 0
    return json.loads(output.splitlines()[-1])


def read(root):
    """Read what was prepared."""
    return Prepared(
        TableDataset(filepath=str(root / "photos.parquet")).load(),
        TableDataset(filepath=str(root / "alignment.parquet")).load(),
        {
            str(path.relative_to(root / "faces")): hashlib.sha256(
                path.read_bytes()
            ).hexdigest()
            for path in (root / "faces").rglob("*")
            if path.is_file()
        },
    )


def litter(root):
    """List temporary files that were left behind."""
    return [
        str(Path(folder) / name)
        for folder, _, names in os.walk(root)
        for name in names
        if name.startswith(".writing-")
    ]


def _prepare(root, options):
    photos, align = root / "photos", AlignOptions(**options)
    # As a run of Kedro does before its first node.
    for table in ("photos.parquet", "alignment.parquet"):
        remove_litter_of(root / table)
    _, manifest = ingest_photos(photos, root / "photo_records", IngestOptions(), align)
    TableDataset(filepath=str(root / "photos.parquet")).save(manifest)
    *_, aligned = align_faces(
        photos, manifest, root / "faces", root / "records", align, image_size=64
    )
    TableDataset(filepath=str(root / "alignment.parquet")).save(aligned)


def _peak_of_this_process_mb():
    """Read the peak since this program began.

    ``getrusage`` gives that of the process that forked it, too: a test run that
    holds two gigabytes would be counted here.
    """
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    peak = next(line for line in lines if line.startswith("VmHWM:"))
    return int(peak.split()[1]) / 1000


def _peak_of_a_worker_mb():
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000


if __name__ == "__main__":
    started = time.monotonic()
    _prepare(Path(sys.argv[1]), json.loads(sys.argv[2]))
    figures = {
        "seconds": time.monotonic() - started,
        "main_mb": _peak_of_this_process_mb(),
        "worker_mb": _peak_of_a_worker_mb(),
    }
    print(json.dumps(figures))  # noqa: T201
