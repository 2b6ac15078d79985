"""Items are done once each, whatever their processes die of."""

import gc
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from crews import DEATHS, HANGS, Square
from facefill.errors import DataError
from facefill.runtime import process_pool
from facefill.runtime.process_pool import ProcessPool
from projects import ROOT

CHUNKS = [list(range(start, start + 3)) for start in range(0, 18, 3)]
SQUARES = [(number, number**2) for number in range(18)]


def done_by(crew, chunks=CHUNKS):
    return sorted(result for results in crew.map(chunks) for result in results)


def results(*arguments, chunks=CHUNKS, num_workers=2, timeout_s=60.0):
    with ProcessPool(Square(*arguments), num_workers, timeout_s) as crew:
        return done_by(crew, chunks)


def values(found):
    return [row[:2] for row in found]


@pytest.mark.parametrize("num_workers", [1, 2, 8])
def test_items_are_done_once_each_by_other_processes(num_workers):
    found = results(num_workers=num_workers)
    assert values(found) == SQUARES
    pids = {row[2] for row in found}
    assert os.getpid() not in pids
    assert len(pids) <= min(num_workers, len(CHUNKS))
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_the_results_of_a_chunk_come_together_and_in_its_order():
    with ProcessPool(Square(), 2, 60.0) as crew:
        found = [[row[0] for row in rows] for rows in crew.map([*CHUNKS, []])]
    assert sorted(found) == CHUNKS


def test_no_process_waits_for_whoever_takes_the_results(tmp_path):
    notes = tmp_path / "notes"
    chunks = [[1, 2], [3, 4], [5, 6]]
    with ProcessPool(Square({}, "", notes), 1, 60.0) as crew:
        work = crew.map(chunks)
        next(work)
        wait_until(lambda: notes.read_text().count("\n") == 4)
        assert values(row for rows in work for row in rows) == SQUARES[3:7]


def test_no_work_starts_no_process(monkeypatch):
    monkeypatch.setattr(process_pool, "_Worker", None)
    assert results(chunks=[]) == []
    assert results(chunks=[[], []]) == []


def test_chunks_are_taken_as_they_are_needed():
    taken = []

    def chunks():
        for number in range(200):
            taken.append(number)
            yield [number]

    with ProcessPool(Square(), 2, 60.0) as crew:
        lead = [len(taken) - num for num, _ in enumerate(crew.map(chunks()))]
    assert len(lead) == 200
    # One for each process, and that whose results are given.
    assert max(lead) <= 3


@pytest.mark.parametrize("death", DEATHS)
def test_an_item_that_kills_its_processes_is_found_and_no_other_blamed(death):
    found = results({7: death})
    assert values(found) == [(n, "crashed" if n == 7 else s) for n, s in SQUARES]


def test_an_item_is_blamed_at_the_third_death_only(tmp_path):
    notes = tmp_path / "notes"
    found = results({7: "dies twice"}, "", notes, chunks=[[7, 7, 7]])
    assert [row[1] for row in found] == [0, 0, 0]
    assert len(notes.read_text().splitlines()) == 5


@pytest.mark.parametrize("hang", HANGS)
def test_an_item_that_takes_too_long_is_killed_and_the_rest_done(hang):
    started = time.monotonic()
    found = results({1: hang, 5: hang, 16: hang}, timeout_s=0.5)
    fates = dict.fromkeys([1, 5, 16], "timeout")
    assert values(found) == [(n, fates.get(n, square)) for n, square in SQUARES]
    assert time.monotonic() - started < 30
    assert not any(psutil.pid_exists(pid) for *_, pid in found if pid)


def test_the_time_of_an_item_is_its_own(tmp_path):
    slow = dict.fromkeys(range(8), "slow")
    found = results(slow, chunks=[list(range(8))], timeout_s=1.0)
    assert [row[1] for row in found] == [0] * 8


@pytest.mark.parametrize(
    ("act", "error", "text"),
    [
        ("raises", DataError, r"^4 is faulty\n"),
        ("disk full", OSError, "No space left"),
    ],
)
def test_an_error_there_is_the_error_here(act, error, text):
    with pytest.raises(error, match=text):
        results({4: act})


@pytest.mark.parametrize("act", ["defect", "cannot be sent"])
def test_what_nobody_has_foreseen_is_the_fate_of_one_item_and_logged(act, caplog):
    found = results({4: act, 17: act})
    fates = dict.fromkeys([4, 17], "failed")
    assert values(found) == [(n, fates.get(n, square)) for n, square in SQUARES]
    messages = [record.getMessage() for record in caplog.records]
    assert sorted(messages) == [f"{n} failed; the others go on" for n in (17, 4)]
    if act == "defect":
        assert "ZeroDivisionError: a defect" in caplog.text
        assert "crews.py" in caplog.text


def test_an_error_says_where_it_was_raised():
    with pytest.raises(DataError) as caught:
        results({4: "raises"})
    assert "in _act" in caught.value.__notes__[0]


def test_an_error_of_the_start_is_the_error_here():
    with pytest.raises(DataError, match="4 is faulty"):
        results({}, "raises")


def test_processes_that_die_while_starting_end_the_work(monkeypatch):
    monkeypatch.setattr(process_pool, "_STARTS", 3)
    with pytest.raises(RuntimeError, match=r"3 processes died .* exit code 3"):
        results({}, "exits")


def test_a_process_that_never_gets_ready_is_killed(monkeypatch):
    monkeypatch.setattr(process_pool, "_STARTS", 1)
    monkeypatch.setattr(process_pool, "SECONDS_TO_START", 1.0)
    with pytest.raises(RuntimeError, match="exit code -9"):
        results({}, "in C")


def test_who_stops_listening_ends_the_processes_and_may_begin_again():
    with ProcessPool(Square(dict.fromkeys(range(99), "slow")), 2, 60.0) as crew:
        work = crew.map([[number] for number in range(99)])
        pids = {row[2] for _ in range(3) for row in next(work)}
        work.close()
        assert not any(psutil.pid_exists(pid) for pid in pids)
        assert [row[0] for row in done_by(crew, [[100, 101]])] == [100, 101]


def test_a_process_that_was_idle_for_long_has_ended_and_is_replaced(monkeypatch):
    with ProcessPool(Square(), 1, 60.0) as crew:
        ((_, _, first),) = done_by(crew, [[1]])
        os.kill(first, signal.SIGKILL)
        ((_, square, second),) = done_by(crew, [[3]])
    assert square == 9
    assert first != second


def test_ctrl_c_is_left_to_the_process_that_started_them():
    with ProcessPool(Square(), 1, 60.0) as crew:
        ((_, _, first),) = done_by(crew, [[1]])
        os.kill(first, signal.SIGINT)
        ((_, _, second),) = done_by(crew, [[2]])
    assert first == second


def test_kills_from_outside_lose_nothing_and_blame_nobody():
    chunks = [[number, number + 1, number + 2] for number in range(0, 60, 3)]
    slow = dict.fromkeys(range(1, 60, 3), "slow")
    with ProcessPool(Square(slow), 2, 60.0) as crew:
        found = []
        for num_chunks, rows in enumerate(crew.map(chunks)):
            found += rows
            for worker in crew._workers[:1] if num_chunks < 6 else []:
                os.kill(worker._process.pid, signal.SIGKILL)
    expected = [(0, 0) if n in slow else (n, n**2) for n in range(60)]
    assert sorted(values(found)) == sorted(expected)


def test_a_pool_given_up_in_a_cycle_kills_its_processes_and_closes_each_file_once():
    """Objects of a cycle are finalized in any order: connections before their pool."""
    crew = ProcessPool(Square(dict.fromkeys(range(99), "slow")), 2, 60.0)
    work = crew.map([[number] for number in range(99)])
    next(work)
    pids = [worker._process.pid for worker in crew._workers]
    # A collection moves what it finds last to the end, and finalizes in this order.
    connections = [worker.connection for worker in crew._workers]
    crew.cycle = late = [crew, work]
    del crew, work
    gc.collect()
    del connections, late
    gc.collect()

    assert len(pids) == 2
    assert all(is_dead(pid) for pid in pids)


ORPHANS = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from crews import Square
from facefill.runtime.process_pool import ProcessPool
work = Square({{1: {hang!r}}}, "", Path({notes!r}))
with ProcessPool(work, 1, 0.5 if {hang!r} else 60.0) as crew:
    for results in crew.map([n, n + 1] for n in range(0, 10**9, 2)):
        pass
"""


@pytest.mark.parametrize("hang", ["", *HANGS])
def test_processes_do_not_outlive_a_killed_run(tmp_path, hang):
    notes = tmp_path / "notes"
    script = ORPHANS.format(
        tests=str(ROOT / "tests/support"), hang=hang, notes=str(notes)
    )
    with subprocess.Popen([sys.executable, "-c", script]) as run:
        try:
            wait_until(lambda: notes.exists() and notes.read_text().count("\n") > 1)
        finally:
            run.kill()
    pid = int(notes.read_text().splitlines()[1].split()[1])
    wait_until(lambda: is_dead(pid))


def is_dead(pid):
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_until(is_so):
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)
