"""Parameters are checked before any other hook does anything."""

from types import SimpleNamespace

import pytest
from kedro.framework.hooks import hook_impl
from kedro.framework.hooks.manager import _create_hook_manager

from facefill.errors import ParameterError
from facefill.hooks.parameters import ParameterHooks
from projects import ROOT


class OtherHooks:
    """A wrapper, such as that of the tracking, that was registered before."""

    def __init__(self):
        self.seen = []

    @hook_impl(wrapper=True)
    def after_context_created(self, context):
        self.seen.append(context.config_loader["parameters"])
        return (yield)


def create_context(parameters, project=ROOT):
    others, manager = OtherHooks(), _create_hook_manager()
    for hooks in (others, ParameterHooks()):
        manager.register(hooks)
    context = SimpleNamespace(
        config_loader={"parameters": parameters}, project_path=project
    )
    try:
        manager.hook.after_context_created(context=context)
    finally:
        context.seen = others.seen
    return context


def test_others_see_the_complete_parameters():
    values = {"lam": 1, "complete": {"preset": "reference", "iterations": None}}
    (seen,) = create_context(values).seen

    assert seen["lam"] == 1.0
    assert seen["complete"]["iterations"] == 1000
    assert seen["train"]["batch_size"] == 32


def test_nothing_is_done_for_parameters_that_are_refused():
    others, manager = OtherHooks(), _create_hook_manager()
    manager.register(others)
    manager.register(ParameterHooks())
    context = SimpleNamespace(config_loader={"parameters": {"lamda": 0.1}})

    with pytest.raises(ParameterError, match="did you mean 'lam'"):
        manager.hook.after_context_created(context=context)

    assert others.seen == []


PATHS = {
    "align": {"landmark_model": "my/sp68.dat"},
    "train": {"inception_weights": "~/weights.h5", "start_from": "my/models"},
    "import_checkpoint": {"path": "/far/DCGAN.model-1"},
}


def test_paths_are_of_the_project_wherever_the_command_is_typed(tmp_path, monkeypatch):
    project, home = tmp_path / "project", tmp_path / "home"
    (project / "notebooks").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    found = {}
    for folder in (project, project / "notebooks"):
        monkeypatch.chdir(folder)
        (found[folder.name],) = create_context(PATHS, project).seen
    for seen in found.values():
        assert seen["align"]["landmark_model"] == str(project / "my/sp68.dat")
        assert seen["train"]["inception_weights"] == str(home / "weights.h5")
        assert seen["import_checkpoint"]["path"] == "/far/DCGAN.model-1"
    # Checkpoints of a training know the folder that it started from as it was typed.
    assert found["project"]["train"]["start_from"] == "my/models"
    assert found["notebooks"]["train"]["start_from"] == str(project / "my/models")


@pytest.mark.parametrize("start", ["random", "pretrained", "~/models"])
def test_names_of_models_are_no_paths_and_home_is_home(tmp_path, monkeypatch, start):
    monkeypatch.setenv("HOME", str(tmp_path))
    (seen,) = create_context({"train": {"start_from": start}}).seen
    expected = str(tmp_path / "models") if start[0] == "~" else start
    assert seen["train"]["start_from"] == expected
    assert seen["align"]["landmark_model"] is None
