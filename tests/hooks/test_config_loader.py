"""A configuration that cannot be read is one line that names the file."""

import pytest
from kedro.config import MissingConfigException
from omegaconf.errors import OmegaConfBaseException

from facefill.errors import ParameterError
from facefill.hooks.config_loader import ReadableConfigLoader
from facefill.settings import CONFIG_LOADER_ARGS, CONFIG_LOADER_CLASS
from projects import Miniature


def loader(conf, **params):
    return ReadableConfigLoader(
        str(conf), env="local", runtime_params=params, **CONFIG_LOADER_ARGS
    )


@pytest.fixture
def conf(tmp_path):
    for env in ("base", "local"):
        (tmp_path / env).mkdir()
    text = "name: zoë\nevaluate: {masks: [center, left]}\n"
    (tmp_path / "base/parameters.yml").write_text(text, encoding="utf-8")
    return tmp_path


def test_what_can_be_read_is_read(conf):
    (conf / "local/parameters.yml").write_text("lam: 2\n")
    found = loader(conf, evaluate={"masks": ["top"]})["parameters"]
    assert found == {"name": "zoë", "evaluate": {"masks": ["top"]}, "lam": 2}
    assert CONFIG_LOADER_CLASS is ReadableConfigLoader


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("# über\nlam: 1\n".encode("latin-1"), "parameters.yml is not UTF-8"),
        ("lam: 1\n".encode("utf-16"), "parameters.yml is not UTF-8"),
        (b"- lam\n- 1\n", "parameters.yml holds a list, where keys with values"),
    ],
    ids=["latin-1", "utf-16", "list"],
)
def test_a_file_that_is_no_mapping_in_utf8_is_named(conf, content, said):
    (conf / "local/parameters.yml").write_bytes(content)
    with pytest.raises(ParameterError, match="local") as caught:
        loader(conf)["parameters"]
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_key_in_two_files_of_an_environment_names_both(conf):
    for name in ("parameters.yml", "parameters_mine.yml"):
        (conf / "local" / name).write_text("lam: 1\n")
    with pytest.raises(ParameterError, match="Duplicate keys") as caught:
        loader(conf)["parameters"]
    assert "parameters_mine.yml" in str(caught.value)
    assert "parameters.yml" in str(caught.value)


def test_an_entry_of_a_list_cannot_be_set_alone(conf):
    with pytest.raises(
        (ParameterError, OmegaConfBaseException), match=r"given as a whole|Cannot merge"
    ):
        loader(conf, evaluate={"masks": {"0": "center"}})["parameters"]


def test_the_home_folder_stands_for_its_sign_in_the_folder_of_data(conf, monkeypatch):
    monkeypatch.setenv("HOME", "/home/ann")
    (conf / "base/globals.yml").write_text("data: ~/faces\nexperiment: a~b\n")
    (conf / "base/catalog.yml").write_text("photos: {path: '${globals:data}/photos'}\n")
    found = loader(conf)
    assert found["globals"] == {"data": "/home/ann/faces", "experiment": "a~b"}
    assert found["catalog"]["photos"]["path"] == "/home/ann/faces/photos"


def test_a_folder_of_data_elsewhere_is_refused(conf):
    (conf / "local/globals.yml").write_text("data: s3://bucket/faces\n")
    with pytest.raises(ParameterError, match=r"s3://bucket/faces is not on this mach"):
        loader(conf)["globals"]


def test_what_is_not_there_is_missing_as_ever(conf):
    with pytest.raises(MissingConfigException):
        loader(conf)["catalog"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("--nodes=drow", "unknown node 'drow'; did you mean 'draw'?"),
        ("--to-outputs=reprot", "unknown dataset 'reprot'; did you mean 'report'?"),
        (
            "--runner=NoRunner",
            "unknown runner 'NoRunner'; did you mean 'ThreadRunner'?",
        ),
        ("--params=evaluate.masks.0:center", "lists are given as a whole"),
    ],
)
def test_the_command_says_it_in_one_line(tmp_path, argument, said):
    finished = Miniature(tmp_path / "project").kedro("run", argument)
    assert finished.returncode == 1
    assert said in finished.stderr
    assert finished.stderr.startswith("Error: ")
    assert finished.stderr.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("globals", "data: s3://bucket/faces\n"),
        (
            "catalog",
            "faces: {type: facefill.datasets.FolderDataset, path: s3://bucket/faces}\n",
        ),
    ],
)
def test_a_folder_elsewhere_is_said_in_one_line_and_none_is_made(tmp_path, name, text):
    project = Miniature(tmp_path / "project")
    (project.root / "conf/local").mkdir(exist_ok=True)
    (project.root / f"conf/local/{name}.yml").write_text(text)
    finished = project.kedro("run")
    assert finished.returncode == 1
    assert finished.stderr.startswith("Error: ")
    assert "s3://bucket/faces is not on this machine" in finished.stderr
    assert finished.stderr.count("\n") == 1
    assert not (project.root / "s3:").exists()
