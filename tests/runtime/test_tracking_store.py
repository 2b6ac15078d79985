"""MLflow's file is whole however its making was cut short; no run in it is lost."""

import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest

from facefill.errors import BusyError, DataError
from facefill.runtime import tracking_store
from facefill.runtime.tracking_store import prepare_store
from projects import Miniature

# MLflow's own tables warn when SQLAlchemy sets them up.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

REVISIONS = 12
"""So many half-made files are tried, spread over MLflow's migrations."""


def migrated(path, count):
    """Make what a process leaves that dies after some of the migrations."""
    from alembic import command
    from alembic.script import ScriptDirectory
    from mlflow.store.db.utils import _get_alembic_config
    from mlflow.store.tracking.dbmodels.initial_models import Base
    from sqlalchemy import create_engine

    engine = create_engine(f"sqlite:///{path}")
    Base.metadata.create_all(engine)
    config = _get_alembic_config(str(engine.url))
    steps = list(ScriptDirectory.from_config(config).walk_revisions())[::-1]
    if count:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, steps[count - 1].revision)
    engine.dispose()
    return len(steps)


def is_usable(path):
    """Open the store as MLflow does, and make a run in it."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    store = SqlAlchemyStore(f"sqlite:///{path}", str(path.parent / "artifacts"))
    try:
        run = store.create_run("0", "me", 0, [], "a run")
        return store.get_run(run.info.run_id).info.status == "RUNNING"
    finally:
        store._dispose_engine()


def names(folder):
    return [path.name for path in folder.iterdir()]


def execute(path, *statements):
    with closing(sqlite3.connect(path)) as store:
        for statement in statements:
            store.execute(statement)
        store.commit()


def rows(path, sql):
    with closing(sqlite3.connect(path)) as store:
        return store.execute(sql).fetchall()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    prepare_store(path)
    return path.read_bytes()


def test_a_store_is_made_that_mlflow_uses_as_it_is(tmp_path):
    path = tmp_path / "mlflow.db"
    prepare_store(path)
    made = path.read_bytes()
    assert is_usable(path)
    assert names(tmp_path) == ["mlflow.db"]
    prepare_store(path)
    assert rows(path, "SELECT COUNT(*) FROM runs") == [(1,)]
    assert len(made) <= path.stat().st_size


@pytest.mark.timeout(300)
@pytest.mark.slow
def test_a_file_left_half_made_is_made_anew(tmp_path, caplog):
    (tmp_path / "0").mkdir()
    total = migrated(tmp_path / "0/mlflow.db", 0)
    for count in range(0, total, total // REVISIONS):
        path = tmp_path / f"at {count}" / "mlflow.db"
        path.parent.mkdir()
        migrated(path, count)
        caplog.clear()
        prepare_store(path)
        assert "half-made" in caplog.text
        assert is_usable(path)


@pytest.mark.parametrize("table", ["_alembic_tmp_experiments", "datasets"])
def test_what_mlflow_itself_stumbles_over_is_made_anew(tmp_path, table):
    path = tmp_path / "mlflow.db"
    migrated(path, 1)
    execute(path, f"CREATE TABLE {table} (x INTEGER)")
    prepare_store(path)
    assert is_usable(path)


def test_an_empty_file_is_made_a_store(tmp_path):
    path = tmp_path / "mlflow.db"
    path.touch()
    prepare_store(path)
    assert is_usable(path)


def test_a_link_to_another_place_stays_one(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    path = tmp_path / "mlflow.db"
    path.symlink_to(tmp_path / "elsewhere/mlflow.db")
    prepare_store(path)
    assert path.is_symlink()
    assert names(tmp_path / "elsewhere") == ["mlflow.db"]


def test_a_hot_journal_is_not_rolled_back_into_a_new_store(tmp_path):
    path = tmp_path / "mlflow.db"
    migrated(path, 3)
    script = (
        "import sqlite3, os, signal; s = sqlite3.connect('mlflow.db');"
        "s.execute('PRAGMA cache_size = 1'); s.execute('PRAGMA cache_spill = 1');"
        "s.execute('CREATE TABLE junk (x)');"
        "[s.execute('INSERT INTO junk VALUES (?)', ('y' * 4000,)) for _ in range(500)];"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=False)
    assert (tmp_path / "mlflow.db-journal").is_file()
    prepare_store(path)
    assert is_usable(path)
    assert not (tmp_path / "mlflow.db-journal").exists()


def test_runs_of_an_older_mlflow_are_brought_along_and_the_old_file_kept(tmp_path):
    path = tmp_path / "mlflow.db"
    migrated(path, 20)
    execute(
        path,
        "INSERT INTO experiments (experiment_id, name, lifecycle_stage)"
        " VALUES (7, 'mine', 'active')",
        "INSERT INTO runs (run_uuid, name, experiment_id, status, lifecycle_stage)"
        " VALUES ('abc', 'first', 7, 'FINISHED', 'active')",
    )
    ((revision,),) = rows(path, "SELECT version_num FROM alembic_version")
    before = rows(path, "SELECT run_uuid FROM runs")
    prepare_store(path)
    assert rows(path, "SELECT run_uuid FROM runs") == before
    assert (
        rows(tmp_path / f"mlflow.db.{revision}", "SELECT run_uuid FROM runs") == before
    )
    assert is_usable(path)


def test_a_newer_mlflows_file_is_left_alone_with_one_line(tmp_path, whole):
    path = tmp_path / "mlflow.db"
    path.write_bytes(whole)
    execute(
        path,
        "INSERT INTO experiments (experiment_id, name, workspace)"
        " VALUES (7, 'mine', 'default')",
        "INSERT INTO runs (run_uuid, experiment_id) VALUES ('abc', 7)",
        "UPDATE alembic_version SET version_num = 'of the future'",
    )
    before = path.read_bytes()
    with pytest.raises(DataError, match=r"another version of MLflow .*move it away"):
        prepare_store(path)
    assert path.read_bytes() == before
    assert names(tmp_path) == ["mlflow.db"]


@pytest.mark.parametrize("content", [b"not a database at all" * 100, None])
def test_what_is_no_store_is_left_alone_with_one_line(tmp_path, content):
    path = tmp_path / "mlflow.db"
    path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(DataError, match=r"not MLflow's store .* move it away"):
        prepare_store(path)
    assert path.is_dir() if content is None else path.read_bytes() == content


def test_a_database_of_another_program_is_left_alone(tmp_path):
    path = tmp_path / "mlflow.db"
    execute(path, "CREATE TABLE songs (title)")
    before = path.read_bytes()
    with pytest.raises(DataError, match="other tables"):
        prepare_store(path)
    assert path.read_bytes() == before


def test_a_file_that_another_process_holds_is_waited_for_and_named(
    tmp_path, whole, monkeypatch
):
    monkeypatch.setattr(tracking_store, "SECONDS_TO_WAIT", 0.1)
    path = tmp_path / "mlflow.db"
    path.write_bytes(whole)
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(BusyError, match="another process holds"):
            prepare_store(path)


def first_run(project):
    """The first run of a project, as MLflow writes its first byte."""
    run = subprocess.Popen(
        [sys.executable, "-m", "kedro", "run"],
        cwd=project.root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while run.poll() is None and not any(
        "mlflow.db" in name or name.startswith(".writing")
        for name in names(project.root)
    ):
        time.sleep(0.005)
    return run


@pytest.mark.long
@pytest.mark.chaos
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
def test_thirty_first_runs_cut_short_leave_no_broken_project(tmp_path, sent):
    # A run left alone tells how long there is to cut one short.
    with first_run(Miniature(tmp_path / "whole")) as run:
        began = time.monotonic()
        assert run.wait() == 0
    lasting, draw, cut = time.monotonic() - began, random.Random(1), 0
    for trial in range(60):
        if cut == 30:
            break
        project = Miniature(tmp_path / str(trial))
        with first_run(project) as run:
            time.sleep(draw.uniform(0.0, 0.95 * lasting))
            run.send_signal(sent)
        cut += run.returncode != 0  # else the signal came too late
        again = project.kedro("run")
        assert again.returncode == 0, again.stderr
        assert project.statuses()[-1] == "FINISHED"
    assert cut == 30
