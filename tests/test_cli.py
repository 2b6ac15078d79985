"""The command line: what users type, what they read when it is wrong."""

import logging
import signal
import subprocess
import sys

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kedro.framework.cli.project import run as kedro_run
from kedro.framework.startup import bootstrap_project
from kedro.io import DatasetError

from facefill import cli
from facefill import settings as project_settings
from facefill.errors import DataError, ModelError, ParameterError, PhotoError
from facefill.runtime import tracking
from projects import ROOT, Miniature


def parse(*arguments):
    return cli.run.make_context("run", list(arguments)).params


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lam:0.1", {"lam": 0.1}),
        ("lam=0.1", {"lam": 0.1}),
        ("lam: 0.1", {"lam": 0.1}),
        (" lam = 3", {"lam": 3}),
        ("lam:0.1,seed=2", {"lam": 0.1, "seed": 2}),
        ("train.max_steps:500", {"train": {"max_steps": 500}}),
        (
            "train.max_steps:500,train.flip=false,mask:left",
            {"train": {"max_steps": 500, "flip": False}, "mask": "left"},
        ),
        (
            "align.cluster:tcp://127.0.0.1:8786",
            {"align": {"cluster": "tcp://127.0.0.1:8786"}},
        ),
        ("a=http://host:80/x?y=1", {"a": "http://host:80/x?y=1"}),
        ("a:b=c", {"a": "b=c"}),
        (r"a:C:\models\68.dat", {"a": r"C:\models\68.dat"}),
        ("a:/some/where", {"a": "/some/where"}),
        (
            "evaluate.masks:[center,left],lam:1",
            {"evaluate": {"masks": ["center", "left"]}, "lam": 1},
        ),
        ("a={b: 1, c: [2,3]},d:4", {"a": {"b": 1, "c": [2, 3]}, "d": 4}),
        ("a:'x,y',b:\"p,q\"", {"a": "x,y", "b": "p,q"}),
        ("lam:", {"lam": None}),
        ("", {}),
    ],
)
def test_params_are_read_as_typed(text, expected):
    assert parse(f"--params={text}")["params"] == expected


@pytest.mark.parametrize("text", ["lam", ":3", "=3", "lam:0.1,", ",lam:1", "a,b:1"])
def test_params_without_key_or_separator_are_refused_in_one_line(text):
    with pytest.raises(click.BadParameter, match="must be a key and a value") as caught:
        parse(f"--params={text}")

    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("text", "said"), [("seed:010", "octal .* 8;"), ("a:1,seed = -0_17", "octal")]
)
def test_numbers_that_yaml_takes_for_octal_are_refused_in_one_line(text, said):
    with pytest.raises(click.BadParameter, match=said) as caught:
        parse(f"--params={text}")

    assert "\n" not in caught.value.message


def test_several_params_are_all_heard():
    words = ["--params", "lam:0.2", "--env=demo", "--params=mask:left,train.seed:3"]
    given = parse(*words, "--params", "train.flip:false")

    assert given["params"] == {
        "lam": 0.2,
        "mask": "left",
        "train": {"seed": 3, "flip": False},
    }
    assert given["env"] == "demo"
    assert parse("--params=lam:1", "--params=lam:2")["params"] == {"lam": 2}
    assert parse("--params=", "--params=lam:2")["params"] == {"lam": 2}
    with pytest.raises(click.BadOptionUsage):
        parse("--params=lam:1", "--params")


@pytest.mark.parametrize("text", ["a:[1,2", "a:{b"])
def test_values_that_cannot_be_read_are_refused_in_one_line(text):
    with pytest.raises(click.BadParameter) as caught:
        parse(f"--params={text}")

    assert "\n" not in caught.value.message


SAFE = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1).filter(
    lambda text: not text[0].isdigit()
)


@settings(deadline=None)
@given(
    st.dictionaries(
        SAFE, st.integers() | SAFE.map("x".__add__), min_size=1, max_size=5
    ),
    st.lists(st.sampled_from(":="), min_size=5, max_size=5),
)
def test_either_separator_means_the_same(values, separators):
    text = ",".join(
        f"{key}{separator}{value}"
        for (key, value), separator in zip(values.items(), separators, strict=False)
    )

    assert cli.parse_params(text) == values


@pytest.mark.parametrize(
    "content",
    [
        "run: {params: 'lam:0.25,train.max_steps=3'}",
        "run: {params: {lam: 0.25, train: {max_steps: 3}}}",
    ],
    ids=["text", "mapping"],
)
def test_a_config_file_may_hold_params(tmp_path, content):
    path = tmp_path / "run.yml"
    path.write_text(content)

    params = parse(f"--config={path}")["params"]

    assert params == {"lam": 0.25, "train": {"max_steps": 3}}


def test_the_options_and_their_help_are_those_of_kedro():
    with click.Context(click.Command("run")) as context:
        assert cli.run.get_help(context) == kedro_run.get_help(context)


def test_kedros_own_command_is_left_alone():
    assert kedro_run.callback is not cli.run.callback
    with pytest.raises(click.UsageError):
        kedro_run.make_context("run", ["--params=lam:0.1"])


@pytest.fixture
def ran(monkeypatch):
    """Replace Kedro's part of the command; gives what it was called with."""
    calls = []

    def start(act=lambda: None):
        def stock(**arguments):
            calls.append(arguments)
            return act()

        command = click.Command("run", params=kedro_run.params, callback=stock)
        return cli._wrap(command)

    monkeypatch.setattr(cli, "_configure_logging", lambda: None)
    start.calls = calls
    return start


def exit_code(command, *arguments):
    with pytest.raises(SystemExit) as caught:
        command.main(list(arguments))
    return caught.value.code


def test_pipeline_is_handed_on_without_the_deprecated_option(ran):
    assert exit_code(ran(), "--pipeline=train") == 0

    assert ran.calls[0]["pipeline"] is None
    assert ran.calls[0]["pipelines"] == ["train"]


@pytest.mark.parametrize("option", ["--pipeline", "--pipelines"])
def test_an_unknown_pipeline_is_refused_with_the_nearest_name(ran, capsys, option):
    assert exit_code(ran(), f"{option}=trian") == 1

    error = capsys.readouterr().err
    assert error == "Error: unknown pipeline 'trian'; did you mean 'train'?\n"
    assert ran.calls == []


def raising(error, cause=None):
    def act():
        raise error from cause

    return act


@pytest.mark.parametrize(
    "error",
    [
        ParameterError("unknown parameter 'lamda'; did you mean 'lam'?"),
        ModelError("no model at x;\nrun\n`kedro run --pipeline=train` first"),
        PhotoError("truncated", "the file ends early"),
    ],
)
def test_a_users_error_is_one_line_on_stderr_and_exit_code_1(ran, capsys, error):
    assert exit_code(ran(raising(error)), "--pipeline=train") == 1

    captured = capsys.readouterr()
    assert captured.err == "Error: " + " ".join(str(error).split()) + "\n"
    assert captured.out == ""


def test_a_users_error_is_found_below_kedros_own(ran, capsys):
    wrapped = DatasetError("Failed while loading data from data set X")
    wrapped.__cause__ = DataError("empty")

    assert exit_code(ran(raising(RuntimeError(), wrapped))) == 1

    assert capsys.readouterr().err == "Error: empty\n"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(28, "No space left on device", "/data/faces.npy"), "/data/faces.npy"),
        (PermissionError(13, "Permission denied", "/data/x"), "give the permission"),
        (MemoryError(), "not enough memory"),
        (ImportError("libx.so: failed to map segment"), "not enough memory"),
    ],
)
def test_what_the_machine_lacks_is_one_line(ran, capsys, error, said):
    def act():
        raise DatasetError("Kedro wraps it") from error

    assert exit_code(ran(act)) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("Error: ")
    assert said in line


def test_a_defect_keeps_its_traceback(ran):
    with pytest.raises(ZeroDivisionError):
        ran(raising(ZeroDivisionError())).main([])


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [(signal.SIGINT, 130, "Ctrl-C"), (signal.SIGTERM, 143, "SIGTERM")],
)
def test_signals_end_the_run_with_the_code_that_shells_expect(
    ran, capsys, request, number, code, said
):
    # A shell starts what it puts into the background with Ctrl-C ignored.
    ignored = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, ignored))
    before = signal.getsignal(signal.SIGTERM)

    assert exit_code(ran(lambda: signal.raise_signal(number))) == code

    assert capsys.readouterr().err == f"Stopped by {said}.\n"
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (KeyboardInterrupt(), "KILLED"),
        (SystemExit(3), "FAILED"),
        (ZeroDivisionError(), "FAILED"),
        (DataError("empty"), "FAILED"),
    ],
    ids=repr,
)
def test_a_run_that_kedro_does_not_end_is_ended_truthfully(
    ran, monkeypatch, error, status
):
    ended = []
    monkeypatch.setattr(tracking, "end_runs", ended.append)

    with pytest.raises((SystemExit, ZeroDivisionError)):
        ran(raising(error)).main([])

    assert ended == [status]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return Miniature(tmp_path_factory.mktemp("cli") / "a project é")


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("--params=lamda:0.1", "unknown parameter 'lamda'; did you mean 'lam'?"),
        (
            "--params=train.max_stepz:5",
            "unknown parameter 'train.max_stepz'; did you mean 'train.max_steps'?",
        ),
        ("--env=tset", "conf/tset"),
    ],
)
def test_wrong_words_are_refused_in_one_line_before_any_work(project, argument, said):
    before = sorted(project.root.rglob("*.*"))

    finished = project.kedro("run", argument)

    assert finished.returncode == 1
    assert finished.stderr.startswith("Error: ")
    assert finished.stderr.count("\n") == 1
    assert said in finished.stderr
    assert finished.stdout == ""
    made = set(project.root.rglob("*.*")) - set(before)
    assert {path for path in made if path.suffix != ".pyc"} == set()


def test_a_misspelt_block_in_a_file_is_refused(tmp_path):
    project = Miniature(tmp_path / "project")
    path = project.root / "conf" / "local" / "parameters.yml"
    path.write_text("completoin: {iterations: 5}\n")

    finished = project.kedro("run")

    assert finished.returncode == 1
    said = "Error: unknown parameter 'completoin'; did you mean 'complete'?\n"
    assert finished.stderr == said


def test_yaml_that_cannot_be_read_is_one_line(tmp_path):
    project = Miniature(tmp_path / "project")
    (project.root / "conf" / "local" / "parameters.yml").write_text("lam: [\n")

    finished = project.kedro("run")

    assert finished.returncode == 1
    assert finished.stderr.startswith("Error: ")
    assert finished.stderr.count("\n") == 1
    assert "parameters.yml" in finished.stderr


PIPELINES = [
    "__default__",
    "complete",
    "evaluate",
    "import_checkpoint",
    "prepare",
    "sample",
    "train",
]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["--help"], ["run", "mlflow"]), (["registry", "list"], PIPELINES)],
    ids=["--help", "registry list"],
)
def test_looking_around_loads_no_heavy_library(arguments, words):
    finished = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "kedro", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = finished.stderr.splitlines()
    imported = {line.rpartition("|")[2].strip() for line in lines}

    assert "facefill.errors" in imported
    heavy = {"tensorflow", "keras", "dlib", "distributed", "jax", "mlflow", "pandas"}
    assert not imported & (heavy | {"kedro_mlflow", "cv2", "scipy", "matplotlib"})
    assert set(words) <= set(finished.stdout.split())


def test_help_needs_none_of_the_hooks():
    code = (
        "import sys; sys.argv = ['kedro', '--help'];"
        "from kedro.framework.cli.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(*[name for name in sys.modules if name.startswith('facefill.')])"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    loaded = set(finished.stdout.splitlines()[-1].split())
    assert {"facefill.cli", "facefill.hooks"} <= loaded
    assert not loaded & {"facefill.hooks.tracking", "facefill.parameters"}
    assert not loaded & {
        "facefill.datasets",
        "facefill.models",
        "facefill.pipelines.train",
    }


def test_the_hooks_are_the_same_ones_to_everybody():
    hooks = project_settings.HOOKS

    assert list(hooks) == list(hooks)
    assert [type(hook).__name__ for hook in hooks][:3] == [
        "StageHooks",
        "TrackingHooks",
        "ParameterHooks",
    ]


def test_hooks_and_settings_import_no_heavy_library():
    code = (
        "import sys, facefill.hooks, facefill.settings, facefill.pipelines;"
        "print(*{'mlflow', 'tensorflow', 'keras', 'dlib'} & set(sys.modules))"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert finished.stdout.split() == []


@pytest.fixture
def typed_here(tmp_path, monkeypatch):
    """This project with a folder of data of its own, and what may be typed."""
    bootstrap_project(ROOT)
    monkeypatch.chdir(ROOT / "docs")
    monkeypatch.setenv("FACEFILL_TEST_DATA", str(tmp_path))
    return tmp_path, parse("--env=test")


def test_with_no_photo_to_complete_all_else_is_run_and_that_is_said(typed_here, caplog):
    data, arguments = typed_here
    (data / "01_raw/incomplete").mkdir(parents=True)
    (data / "01_raw/incomplete/.gitkeep").touch()
    with caplog.at_level(logging.INFO, logger="facefill"):
        cli._leave_out_completion(arguments)

    assert arguments["pipelines"] == ["train", "sample", "evaluate"]
    (said,) = caplog.messages
    assert said == (
        f"no photo in {data}/01_raw/incomplete: nothing is completed; the pipelines "
        "train, sample, evaluate are run"
    )


def test_with_a_photo_to_complete_everything_is_run(typed_here):
    data, arguments = typed_here
    (data / "01_raw/incomplete/ann").mkdir(parents=True)
    (data / "01_raw/incomplete/ann/1.jpg").touch()
    before = dict(arguments)
    cli._leave_out_completion(arguments)

    assert arguments == before


@pytest.mark.parametrize("typed", ["--pipelines=complete", "--to-nodes=align_faces"])
@pytest.mark.usefixtures("typed_here")
def test_whoever_says_what_to_run_gets_that(typed):
    arguments = parse("--env=test", typed)
    before = dict(arguments)
    cli._leave_out_completion(arguments)

    assert arguments == before
