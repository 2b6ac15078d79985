"""Chunks are done once each, on this machine or on a cluster, whoever dies."""

import os
from contextlib import contextmanager

import pytest

from crews import Square
from facefill.errors import DataError
from facefill.runtime import parallel
from facefill.runtime.parallel import chunk_mapper

CHUNKS = [list(range(start, start + 3)) for start in range(0, 18, 3)]
SQUARES = [(number, number**2) for number in range(18)]


def results(map_chunks, work, chunks=CHUNKS):
    return sorted(row for rows in map_chunks(work, chunks) for row in rows)


def values(found):
    return [row[:2] for row in found]


@contextmanager
def cluster(folder, num_workers=1):
    """Start a scheduler on loopback, and workers that are threads of this process."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=num_workers,
        threads_per_worker=1,
        dashboard_address="127.0.0.1:0",
        processes=False,
        protocol="tcp",
        local_directory=str(folder),
    ) as started:
        yield started


@pytest.mark.parametrize("workers", [None, 1])
def test_items_are_done_on_this_machine(workers):
    found = results(chunk_mapper(workers, None, 60.0), Square())
    assert values(found) == SQUARES
    assert os.getpid() not in {row[2] for row in found}


def test_no_items_need_no_cluster():
    assert results(chunk_mapper(2, "tcp://127.0.0.1:1", 60.0), Square(), []) == []


def test_a_scheduler_that_does_not_answer_is_named(monkeypatch):
    monkeypatch.setattr(parallel, "_SECONDS_TO_CONNECT", 0.5)
    with pytest.raises(DataError, match=r"at tcp://127\.0\.0\.1:1;"):
        results(chunk_mapper(2, "tcp://127.0.0.1:1", 60.0), Square())


def test_a_cluster_without_workers_is_an_error(tmp_path):
    with cluster(tmp_path, num_workers=0) as started:
        map_chunks = chunk_mapper(None, started.scheduler_address, 60.0)
        with pytest.raises(DataError, match="has no workers"):
            results(map_chunks, Square())


def test_a_given_cluster_is_used_and_outlives_the_work(tmp_path):
    from distributed import Client

    with cluster(tmp_path) as started:
        address = started.scheduler_address
        found = results(chunk_mapper(None, address, 60.0), Square())
        with Client(address) as client:
            assert client.submit(sum, [1, 2]).result() == 3
    assert values(found) == SQUARES
    # One worker keeps one process, and does no item itself.
    assert len({row[2] for row in found} - {os.getpid()}) == 1


def test_on_a_cluster_too_one_item_alone_is_blamed_for_a_death_or_a_hang(tmp_path):
    with cluster(tmp_path) as started:
        map_chunks = chunk_mapper(None, started.scheduler_address, 0.7)
        found = results(map_chunks, Square({4: "killed", 8: "in C"}))
    fates = {4: "crashed", 8: "timeout"}
    assert values(found) == [(n, fates.get(n, square)) for n, square in SQUARES]


def test_few_chunks_are_on_their_way_to_a_cluster_at_a_time(tmp_path):
    taken = []

    def chunks():
        for number in range(100):
            taken.append(number)
            yield [number]

    with cluster(tmp_path) as started:
        map_chunks = chunk_mapper(None, started.scheduler_address, 60.0)
        lead = [len(taken) - n for n, _ in enumerate(map_chunks(Square(), chunks()))]
    assert len(lead) == 100
    assert max(lead) <= 5


@pytest.mark.slow
def test_a_cluster_that_goes_away_is_one_line_and_what_is_done_is_kept(tmp_path):
    with cluster(tmp_path) as started:
        map_chunks = chunk_mapper(None, started.scheduler_address, 60.0)
        work = map_chunks(Square(), ([number] for number in range(1000)))
        assert len(next(work)) == 1
        started.close()
        with pytest.raises(DataError, match="went away; run the same command"):
            list(work)


def test_an_error_in_a_worker_of_a_cluster_is_the_error_here(tmp_path):
    with cluster(tmp_path) as started:
        map_chunks = chunk_mapper(None, started.scheduler_address, 60.0)
        with pytest.raises(DataError, match="4 is faulty"):
            results(map_chunks, Square({4: "raises"}))


def test_work_goes_on_when_no_worker_is_left(tmp_path, monkeypatch, caplog):
    from distributed import Client

    monkeypatch.setattr(parallel, "_SECONDS_WITHOUT_WORKERS", 0.5)
    with (
        cluster(tmp_path, num_workers=0) as started,
        Client(started.scheduler_address) as client,
    ):
        found = sorted(
            row
            for rows in parallel._map_on(
                client, Square({7: "exits"}), iter(CHUNKS), 9.0
            )
            for row in rows
        )
    assert values(found) == [(n, "crashed" if n == 7 else s) for n, s in SQUARES]
    assert "no worker is left" in caplog.text
