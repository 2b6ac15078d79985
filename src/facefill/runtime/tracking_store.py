"""MLflow's SQLite file, made whole or not at all.

MLflow makes its tables by fifty migrations, each committed by itself: a process that
dies among them leaves a file that no later one can use, nor mend. Here they run on a
file of another name, which one move puts into place, so that what carries the store's
name is always a whole one. A half-made one, of whatever origin, that holds no run is
made anew; one of an older MLflow is brought up to date on a copy, and kept.
"""

import errno
import logging
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from facefill.errors import (
    BusyError,
    DataError,
    StorageError,
    TrackingError,
)
from facefill.runtime.files import remove_litter, replacing
from facefill.runtime.tracking_guard import reason, wait_for_file

SECONDS_TO_WAIT = 9.0
"""How long another process may hold the file before the command gives up."""

_SECONDS_OF_SILENCE = 0.5

log = logging.getLogger(__name__)


def prepare_store(path: Path) -> None:
    """Make MLflow's SQLite file if it is absent, and mend it if it is half-made.

    The caller holds a lock: one process at a time is here.

    Args:
        path: Where MLflow will look for it.

    Raises:
        DataError: If something is there that is no store of this MLflow, nor of an
            earlier one.
        BusyError: If another process holds it for ``SECONDS_TO_WAIT``.
        StorageError: If the disk is full, or read-only.
    """
    path = path.resolve()  # A link to another disk stays a link.
    with _explaining(path):
        remove_litter(path.parent)
        if not path.exists():
            _make(path)
            return
        revision, num_runs = _look_at(path)
        _mend(path, revision, num_runs)


def _mend(path: Path, revision: str, num_runs: int) -> None:
    from mlflow.store.db.utils import _get_latest_schema_revision

    if revision == _get_latest_schema_revision():
        return
    if num_runs == 0:
        log.warning("%s was left half-made and holds no run; it is made anew", path)
        _make(path)
        return
    _update(path, revision)


def _look_at(path: Path) -> tuple[str, int]:
    """Read the schema's revision, empty if there is none, and count the runs.

    The file is opened for writing: what a killed process left half-written is then
    rolled back by SQLite, and no journal outlives the file that it belongs to.
    """
    uri = f"{path.absolute().as_uri()}?mode=rw"
    # SQLite begins to write where it may not, and MLflow then logs a page.
    if path.is_file() and not (
        os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
    ):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    _wait(path)
    try:
        with closing(sqlite3.connect(uri, timeout=SECONDS_TO_WAIT, uri=True)) as store:
            named = store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            tables = {name for (name,) in named}
            revision, num_runs = "", 0
            if "alembic_version" in tables:
                rows = store.execute("SELECT version_num FROM alembic_version")
                revision = str((rows.fetchone() or ("",))[0])
            if "runs" in tables:
                ((num_runs,),) = store.execute("SELECT COUNT(*) FROM runs")
    except sqlite3.DatabaseError as error:
        raise DataError(_not_a_store(path, str(error))) from error
    if tables and not tables & {"alembic_version", "experiments", "runs"}:
        raise DataError(_not_a_store(path, "it holds other tables"))
    return revision, num_runs


def _wait(path: Path) -> None:
    """Wait for another process that writes, and say so if it takes long."""
    for seconds in (_SECONDS_OF_SILENCE, SECONDS_TO_WAIT):
        try:
            wait_for_file(path, seconds)
        except TrackingError as error:
            if _is_full(error) and path.is_file():
                raise
            if "locked" not in str(error):
                return  # It is no store.
        else:
            return
        if seconds == _SECONDS_OF_SILENCE:
            log.warning("waiting for %s, which another process holds", path)
    raise BusyError(f"another process holds {path}; close it, or wait for it")


@contextmanager
def _explaining(path: Path) -> Iterator[None]:
    """Say where there is no room or no permission; the cause may be SQLAlchemy's."""
    try:
        yield
    except Exception as error:
        is_told = isinstance(error, (DataError, BusyError))
        if is_told or not (isinstance(error, OSError) or _is_full(error)):
            raise
        raise StorageError(
            f"{path} cannot be written ({reason(error)}); make room or give the "
            "permission, and give the same command again"
        ) from error


def _is_full(error: BaseException) -> bool:
    texts = ("disk is full", "readonly database", "unable to open", "disk I/O error")
    return any(text in str(error) for text in texts)


def _not_a_store(path: Path, reason: str) -> str:
    return (
        f"{path} is not MLflow's store ({reason}); move it away, or name another file "
        "in conf/local/mlflow.yml"
    )


def _make(path: Path) -> None:
    from mlflow.store.db.utils import _initialize_tables

    with replacing(path) as temporary:
        _migrate(temporary, _initialize_tables)


def _update(path: Path, revision: str) -> None:
    from mlflow.store.db.utils import _upgrade_db

    kept = path.with_name(f"{path.name}.{revision}")
    try:
        with replacing(path) as temporary:
            for target in (kept, temporary):
                with (
                    closing(sqlite3.connect(path)) as source,
                    closing(sqlite3.connect(target)) as copy,
                ):
                    source.backup(copy)
            _migrate(temporary, _upgrade_db)
    except Exception as error:
        kept.unlink(missing_ok=True)
        if _is_full(error):
            raise
        raise DataError(
            f"{path} was made by another version of MLflow (schema {revision}), which "
            f"this one cannot use ({error}); move it away, or install that version"
        ) from error
    log.warning(
        "%s was made by an older MLflow; it is brought up to date, and kept as %s",
        path,
        kept.name,
    )


def _migrate(path: Path, migrate: Callable[[Any], None]) -> None:
    """Run migrations on a file that nobody else sees, and that is synced after."""
    from mlflow.store.db.utils import create_sqlalchemy_engine
    from sqlalchemy import event

    engine = create_sqlalchemy_engine(f"sqlite:///{path}")
    event.listen(engine, "connect", _hurry)
    try:
        migrate(engine)
    finally:
        engine.dispose()


def _hurry(connection: sqlite3.Connection, _: object) -> None:
    connection.execute("PRAGMA synchronous = OFF")
