"""Files are the old one or the new one, whenever and however writing ends."""

import contextlib
import errno
import hashlib
import io
import json
import os
import signal
import stat
import tempfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facefill.runtime import files

OLD, NEW = b"old content", b"new content, longer than the old"
CALLS = ["open", "close", "fsync", "replace", "chmod", "umask", "unlink", "mkdir"]


class Interceptor:
    """Counts the calls that change files and acts at one of them."""

    def __init__(self, monkeypatch, act, at):
        self.names = []
        self._act, self._at = act, at
        for name in CALLS:
            monkeypatch.setattr(os, name, self._wrap(name, getattr(os, name)))
        real_open = io.open

        def open_for_half(file, mode="r", *rest, **options):
            stream = real_open(file, mode, *rest, **options)
            if "w" in mode:
                stream = HalfWriter(stream, self)
            return stream

        monkeypatch.setattr(io, "open", open_for_half)

    def _wrap(self, name, real):
        def call(*arguments, **options):
            self.reach(name)
            return real(*arguments, **options)

        return call

    def reach(self, name):
        self.names.append(name)
        if len(self.names) - 1 == self._at:
            self._act()


class HalfWriter:
    """A file that has written half of its content when it is interrupted."""

    def __init__(self, stream, interceptor):
        self._stream, self._interceptor = stream, interceptor

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stream.close()

    def write(self, content):
        half = len(content) // 2
        self._stream.write(content[:half])
        self._stream.flush()
        self._interceptor.reach("write")
        return half + self._stream.write(content[half:])


def count_calls(path):
    with pytest.MonkeyPatch.context() as patch:
        interceptor = Interceptor(patch, act=lambda: None, at=-1)
        files.write_bytes(path, NEW)
    return interceptor.names


@pytest.mark.parametrize("existing", [OLD, None], ids=["over an old file", "new file"])
def test_a_crash_at_any_call_leaves_the_old_file_or_the_new_one(tmp_path, existing):
    names = count_calls(tmp_path / "counted")
    assert {"open", "write", "fsync", "replace"} <= set(names)
    seen = set()

    for at in range(len(names)):
        path = tmp_path / str(at) / "file"
        path.parent.mkdir()
        if existing:
            path.write_bytes(existing)
        child = os.fork()
        if child == 0:
            with pytest.MonkeyPatch.context() as patch:
                # A kill: neither exception handlers nor finally blocks run.
                Interceptor(patch, lambda: os.kill(os.getpid(), signal.SIGKILL), at)
                files.write_bytes(path, NEW)
                os._exit(99)
        status = os.waitpid(child, 0)[1]

        assert os.WTERMSIG(status) == signal.SIGKILL
        content = path.read_bytes() if path.exists() else None
        assert content in (existing, NEW)
        seen.add(content)
        files.remove_litter(path.parent)
        assert set(path.parent.iterdir()) <= {path}

    assert seen == {existing, NEW}


@pytest.mark.parametrize("kind", [OSError, KeyboardInterrupt])
def test_an_error_at_any_call_leaves_old_or_new_and_no_litter(tmp_path, kind):
    path = tmp_path / "file"

    def fail():
        raise kind(errno.ENOSPC, "no space")

    for at in range(len(count_calls(tmp_path / "counted"))):
        path.write_bytes(OLD)
        with pytest.MonkeyPatch.context() as patch, contextlib.suppress(kind):
            Interceptor(patch, fail, at)
            files.write_bytes(path, NEW)

        assert path.read_bytes() in (OLD, NEW)
    # Where closing or syncing failed before the name was known to us, the litter
    # is of the kind that the next run removes.
    files.remove_litter(tmp_path)
    assert {entry.name for entry in tmp_path.iterdir()} == {"file", "counted"}


def test_content_is_synced_before_the_name_and_the_folder_after(tmp_path):
    names = [
        name
        for name in count_calls(tmp_path / "file")
        if name in ("write", "fsync", "replace")
    ]

    assert names == ["write", "fsync", "replace", "fsync"]


def test_an_exception_in_the_block_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(OLD)

    def write_and_fail():
        with files.replacing(path) as temporary:
            temporary.write_bytes(NEW)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()

    assert path.read_bytes() == OLD
    assert list(tmp_path.iterdir()) == [path]


def test_readers_see_nothing_new_before_the_block_ends(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(OLD)

    with files.replacing(path) as temporary:
        temporary.write_bytes(NEW)
        assert path.read_bytes() == OLD

    assert path.read_bytes() == NEW


def test_the_temporary_file_has_the_ending_that_its_writer_needs(tmp_path):
    with files.replacing(tmp_path / "model.keras", suffix=".keras") as temporary:
        assert temporary.suffix == ".keras"
        assert temporary.parent == tmp_path


def test_a_name_as_long_as_names_can_be_is_written(tmp_path):
    path = tmp_path / ("n" * 255)

    files.write_bytes(path, NEW)

    assert path.read_bytes() == NEW


def test_folders_are_made(tmp_path):
    files.write_bytes(tmp_path / "a" / "b" / "file", NEW)

    assert (tmp_path / "a" / "b" / "file").read_bytes() == NEW


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_a_new_file_has_the_permissions_that_the_user_wants(tmp_path, mask):
    before = os.umask(mask)
    try:
        files.write_bytes(tmp_path / "file", NEW)
        assert os.umask(mask) == mask
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o666 & ~mask


def test_a_full_disk_is_an_error_that_leaves_the_old_file(tmp_path):
    resource = pytest.importorskip("resource")
    path = tmp_path / "file"
    path.write_bytes(OLD)
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
        try:
            files.write_bytes(path, NEW)
        except OSError:
            os._exit(7)
        os._exit(0)
    status = os.waitpid(child, 0)[1]

    assert os.waitstatus_to_exitcode(status) == 7
    assert path.read_bytes() == OLD
    assert list(tmp_path.iterdir()) == [path]


def test_space_that_is_not_there_is_an_error_and_no_death(tmp_path):
    resource = pytest.importorskip("resource")
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
        with (tmp_path / "file").open("wb") as stream:
            files.reserve(stream.fileno(), 0)
            files.reserve(stream.fileno(), 9_000)
            try:
                files.reserve(stream.fileno(), 11_000)
            except OSError:
                os._exit(7)
        os._exit(0)
    status = os.waitpid(child, 0)[1]

    assert os.waitstatus_to_exitcode(status) == 7
    assert (tmp_path / "file").stat().st_size == 9_000


@pytest.mark.parametrize(
    ("number", "cure"),
    [
        (errno.ENOSPC, "make room"),
        (errno.EROFS, "let it be written to"),
        (errno.EACCES, "give the permission"),
        (errno.EMFILE, "ulimit -n"),
    ],
)
def test_what_storage_lacks_is_said_with_the_path_and_the_cure(tmp_path, number, cure):
    path = tmp_path / "faces.npy"
    with (
        pytest.raises(OSError, match=os.strerror(number)) as caught,
        files.replacing(path),
    ):
        raise OSError(number, os.strerror(number))

    wrapped = ValueError("of a library")
    wrapped.__cause__ = caught.value
    said = str(files.storage_error(wrapped))
    assert said.startswith(f"{path}: {os.strerror(number)}; ")
    assert cure in said


@pytest.mark.parametrize("error", [ValueError("x"), OSError("x"), FileNotFoundError(2)])
def test_a_defect_is_nothing_that_storage_lacks(error):
    assert files.storage_error(error) is None


@pytest.mark.skipif(
    getattr(os, "geteuid", int)() == 0, reason="root may write anywhere"
)
def test_a_folder_that_may_not_be_written_names_the_file(tmp_path):
    tmp_path.chmod(0o555)
    with pytest.raises(PermissionError) as caught:
        files.write_bytes(tmp_path / "file", NEW)
    tmp_path.chmod(0o755)

    assert caught.value.filename == str(tmp_path / "file")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [1, -float("inf")]])
def test_json_refuses_what_is_no_number_and_keeps_the_old_file(tmp_path, value):
    path = tmp_path / "report.json"
    files.write_json(path, {"psnr": 20})

    with pytest.raises(ValueError, match="JSON compliant"):
        files.write_json(path, {"psnr": value})

    assert json.loads(path.read_text()) == {"psnr": 20}


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(VALUES)
def test_json_comes_back_as_it_was(data):
    with tempfile.TemporaryDirectory() as folder:
        path = files.Path(folder, "report.json")
        files.write_json(path, data)

        assert json.loads(path.read_text(encoding="utf-8")) == data


def test_the_same_data_is_the_same_json(tmp_path):
    files.write_json(tmp_path / "one", {"a": 1, "b": 2})
    files.write_json(tmp_path / "two", {"b": 2, "a": 1})

    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize("size", [0, 1, 2**16 + 1])
def test_a_hash_is_that_of_the_content(tmp_path, size):
    content = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    (tmp_path / "file").write_bytes(content)

    expected = hashlib.sha256(content).hexdigest()
    assert files.file_sha256(tmp_path / "file") == expected


def test_only_litter_is_removed(tmp_path):
    kept = [tmp_path / "photo.tmp", tmp_path / ".hidden", tmp_path / "sub" / "file"]
    for path in [*kept, tmp_path / ".writing-x.tmp", tmp_path / ".writing-y.tmp.keras"]:
        path.parent.mkdir(exist_ok=True)
        path.touch()

    files.remove_litter(tmp_path)
    files.remove_litter(tmp_path / "absent")

    assert {path for path in tmp_path.rglob("*") if path.is_file()} == set(kept)


def test_litter_of_one_file_is_removed_and_that_of_others_is_not(tmp_path):
    ours, others = tmp_path / "table.parquet", tmp_path / "report.json"
    with files.replacing(others) as unfinished:
        with files.replacing(ours) as left:
            copies = [left.with_name(left.name + end) for end in (".keras", "x")]
            for copy in copies:
                copy.write_bytes(b"half")
        assert ours.is_file()

        files.remove_litter_of(ours)
        files.remove_litter_of(tmp_path / "absent/table.parquet")

        assert not any(copy.exists() for copy in copies)
        assert unfinished.is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "report.json",
        "table.parquet",
    ]
