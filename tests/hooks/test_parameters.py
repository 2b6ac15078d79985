"""Parameters are checked before any other hook does anything."""

from types import SimpleNamespace

import pytest
from kedro.framework.hooks import hook_impl
from kedro.framework.hooks.manager import _create_hook_manager

from facefill.errors import ParameterError
from facefill.hooks.parameters import ParameterHooks


class OtherHooks:
    """A wrapper, such as that of the tracking, that was registered before."""

    def __init__(self):
        self.seen = []

    @hook_impl(wrapper=True)
    def after_context_created(self, context):
        self.seen.append(context.config_loader["parameters"])
        return (yield)


def create_context(parameters):
    others, manager = OtherHooks(), _create_hook_manager()
    for hooks in (others, ParameterHooks()):
        manager.register(hooks)
    context = SimpleNamespace(config_loader={"parameters": parameters})
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
