"""Chunks are done once each, wherever they are done and whoever dies."""

import gc
import os
import signal
from dataclasses import dataclass

import pytest

from facefill import scaling
from facefill.errors import DataError
from facefill.scaling import chunk_mapper

# Dask forgets the connection to a worker that is killed at the wrong moment.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <ssl:pytest.PytestUnraisableExceptionWarning",
    "ignore:unclosed <ssl:ResourceWarning",
)


@pytest.fixture(autouse=True)
def _nothing_left_for_the_next_test():
    yield
    gc.collect()


CHUNKS = [list(range(start, start + 3)) for start in range(0, 18, 3)]


@dataclass(frozen=True)
class Square:
    """Squares numbers; dies of one of them, and says in which process it worked."""

    deadly: int | None = None
    faulty: int | None = None

    def __call__(self, chunk):
        if self.deadly in chunk:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.faulty in chunk:
            raise DataError(f"{self.faulty} is faulty")
        return [(number, number**2, os.getpid()) for number in chunk]

    def split(self, chunk):
        return [[number] for number in chunk]

    def crashed(self, chunk):
        return [(number, "crashed", 0) for number in chunk]


def results(map_chunks, work, chunks=CHUNKS):
    return sorted(row for rows in map_chunks(work, chunks) for row in rows)


@pytest.mark.parametrize("workers", [None, 1, 2, 8])
def test_few_items_are_done_in_this_process(tmp_path, workers):
    (tmp_path / "scratch/left by a killed run").mkdir(parents=True)
    rows = results(chunk_mapper(workers, None, tmp_path / "scratch"), Square())
    assert [row[:2] for row in rows] == [(number, number**2) for number in range(18)]
    assert {row[2] for row in rows} == {os.getpid()}
    assert not (tmp_path / "scratch").exists()


def test_no_items_start_no_process(tmp_path, monkeypatch):
    monkeypatch.setattr(scaling, "SMALL_JOB", -1)
    assert results(chunk_mapper(2, "tcp://127.0.0.1:1", tmp_path), Square(), []) == []


def test_a_killed_worker_loses_nothing_and_the_killer_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(scaling, "SMALL_JOB", 0)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    environment = dict(os.environ)
    map_chunks = chunk_mapper(2, None, tmp_path / "scratch")
    rows = results(map_chunks, Square(deadly=7))
    expected = [
        (number, "crashed" if number == 7 else number**2) for number in range(18)
    ]
    assert [row[:2] for row in rows] == expected
    assert os.getpid() not in {row[2] for row in rows}
    assert not (tmp_path / "scratch").exists()
    # Dask limits the threads of its workers by variables that it sets here.
    assert dict(os.environ) == environment


def test_work_goes_on_when_no_worker_is_left(tmp_path, monkeypatch, caplog):
    from distributed import Client, LocalCluster

    monkeypatch.setattr(scaling, "_SECONDS_WITHOUT_WORKERS", 0.5)
    with (
        LocalCluster(
            n_workers=0,
            dashboard_address="127.0.0.1:0",
            processes=False,
            protocol="tcp",
            local_directory=str(tmp_path),
        ) as cluster,
        Client(cluster) as client,
    ):
        rows = sorted(
            row
            for rows in scaling._map_on(client, Square(deadly=7), CHUNKS)
            for row in rows
        )
    assert [row[1] for row in rows if row[0] != 7] == [
        number**2 for number in range(18) if number != 7
    ]
    assert rows[7][1] == "crashed"
    assert "no worker is left" in caplog.text


def test_an_error_in_a_worker_is_the_error_here(tmp_path, monkeypatch):
    monkeypatch.setattr(scaling, "SMALL_JOB", 0)
    with pytest.raises(DataError, match=r"^4 is faulty$"):
        results(chunk_mapper(2, None, tmp_path / "scratch"), Square(faulty=4))


def test_a_scheduler_that_does_not_answer_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(scaling, "_SECONDS_TO_CONNECT", 0.5)
    with pytest.raises(DataError, match=r"at tcp://127\.0\.0\.1:1;"):
        results(chunk_mapper(2, "tcp://127.0.0.1:1", tmp_path), Square())


def test_a_given_cluster_is_used_and_outlives_the_work(tmp_path):
    from distributed import Client, LocalCluster

    with LocalCluster(
        n_workers=1,
        threads_per_worker=1,
        dashboard_address="127.0.0.1:0",
        processes=False,
        protocol="tcp",
        local_directory=str(tmp_path),
    ) as cluster:
        address = cluster.scheduler_address
        rows = results(chunk_mapper(None, address, tmp_path / "scratch"), Square())
        with Client(address) as client:
            assert client.submit(sum, [1, 2]).result() == 3
    assert [row[1] for row in rows] == [number**2 for number in range(18)]
