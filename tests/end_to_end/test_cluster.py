"""Preparation on a real Dask cluster: a scheduler and two workers on loopback."""

import os
import shutil
import socket
import subprocess
import sys
from contextlib import ExitStack

import pandas as pd
import pytest
from distributed import Client

from crews import Square, knows
from facefill.runtime.files import file_sha256
from facefill.runtime.parallel import chunk_mapper
from projects import ROOT

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

SAMPLE = ROOT / "data/demo/01_raw"
PORTRAITS = ROOT / "tests/portraits"
NUM_PHOTOS = 24
NUM_INCOMPLETE = 6


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def dask(*arguments):
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests/support")])
    return subprocess.Popen(
        [sys.executable, "-m", "dask", *arguments, "--no-dashboard"],
        env=os.environ | {"PYTHONPATH": path},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@pytest.fixture
def cluster(tmp_path):
    """Start a cluster as its operator would; gives its address."""
    address = f"tcp://127.0.0.1:{free_port()}"
    worker = ["worker", address, "--nthreads", "1", "--local-directory", str(tmp_path)]
    commands = [
        ["scheduler", "--host", "127.0.0.1", "--port", address.rpartition(":")[2]],
        [*worker, "--host", "127.0.0.1"],
        [*worker, "--host", "127.0.0.1"],
    ]
    with ExitStack() as stack:
        processes = [stack.enter_context(dask(*command)) for command in commands]
        for process in processes:
            stack.callback(process.terminate)
        with Client(address, timeout=120) as client:
            client.wait_for_workers(2, timeout=120)
        yield address


def kedro(conf, *arguments):
    finished = subprocess.run(
        [sys.executable, "-m", "kedro", "run", f"--conf-source={conf}", *arguments],
        cwd=ROOT,
        env=os.environ | {"DO_NOT_TRACK": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert finished.returncode == 0, finished.stderr


def hashes(folder, pattern="*"):
    return {
        path.relative_to(folder).as_posix(): file_sha256(path)
        for path in folder.rglob(pattern)
        if path.is_file()
    }


def configuration(folder):
    """Copy the configuration, with a data folder of its own."""
    data = folder / "data"
    shutil.copytree(ROOT / "conf", folder / "conf")
    (folder / "conf/local" / "globals.yml").write_text(f"data: {data}\n")
    store = f"server: {{mlflow_tracking_uri: 'sqlite:///{data}/mlflow.db'}}\n"
    (folder / "conf/local" / "mlflow.yml").write_text(store)
    for name, source, count in (
        ("photos", SAMPLE / "photos", NUM_PHOTOS),
        ("incomplete", PORTRAITS, NUM_INCOMPLETE),
    ):
        (data / "01_raw" / name).mkdir(parents=True)
        for path in sorted(source.glob("*.jpg"))[:count]:
            shutil.copy(path, data / "01_raw" / name)
    return data, folder / "conf"


def test_a_cluster_prepares_what_this_machine_does(cluster, tmp_path):
    there, remote = configuration(tmp_path / "there")
    here, local = configuration(tmp_path / "here")
    asked = f"align.cluster:{cluster},align.chunk_size:4"
    kedro(remote, "--pipeline=prepare", f"--params={asked}")
    with Client(cluster) as client:
        assert set(client.run(knows, "facefill.preparation.align_worker").values()) == {
            True
        }
    kedro(local, "--pipeline=prepare")
    faces = hashes(there / "03_primary/aligned")
    assert len(faces) == NUM_PHOTOS
    assert faces == hashes(here / "03_primary/aligned")
    tables = [folder / "03_primary/alignment.parquet" for folder in (there, here)]
    assert pd.read_parquet(tables[0]).equals(pd.read_parquet(tables[1]))


def test_a_cluster_completes_what_this_machine_does(cluster, tmp_path):
    there, remote = configuration(tmp_path / "there")
    here, local = configuration(tmp_path / "here")
    short = "complete.iterations:3,complete.bank_size:16,complete.batch_size:2"
    addresses = f"align.cluster:{cluster},complete.cluster:{cluster}"
    kedro(remote, "--pipeline=complete", f"--params={short},{addresses}")
    with Client(cluster) as client:
        assert True in client.run(knows, "facefill.completion.dispatch").values()
    kedro(local, "--pipeline=complete", f"--params={short}")
    photos = hashes(there / "07_model_output/completed", "photo.png")
    assert len(photos) == NUM_INCOMPLETE
    assert photos == hashes(here / "07_model_output/completed", "photo.png")
    assert not (there / "07_model_output/completion_records/networks").exists()


def test_what_kills_the_clusters_own_workers_is_done_here(cluster):
    map_chunks = chunk_mapper(None, cluster, 60.0)
    chunks = [[number, number + 1] for number in range(0, 12, 2)]
    found = [
        row
        for rows in map_chunks(Square({5: "kills the cluster's worker"}), chunks)
        for row in rows
    ]
    expected = [(0, 0) if n == 5 else (n, n**2) for n in range(12)]
    assert sorted(row[:2] for row in found) == sorted(expected)
