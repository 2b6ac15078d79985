"""Parameters: whatever is wrong is refused by name, whatever is right is kept."""

import functools
import inspect
import math
import re
import types
from typing import Annotated, Literal, Union, get_args, get_origin

import pytest
import yaml
from annotated_types import Ge, Gt, Le, Lt
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from facefill.errors import ParameterError
from facefill.parameters import COMPLETE_PRESETS, TRAIN_PRESETS, Parameters
from facefill.parameters.validation import resolve, valid_keys
from projects import ROOT

PRESETS = {"train": TRAIN_PRESETS, "complete": COMPLETE_PRESETS}


def leaves(model=Parameters, prefix=""):
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from leaves(kind, f"{prefix}{name}.")
        else:
            yield prefix + name, field


def nested(key, value):
    for part in reversed(key.split(".")):
        value = {part: value}
    return value


def bounds_and_type(field):
    """Bare type and bounds of a field, through Annotated and Optional."""
    kind, metadata = field.annotation, list(field.metadata)
    if get_origin(kind) in (Union, types.UnionType):
        kind = next(part for part in get_args(kind) if part is not type(None))
    if get_origin(kind) is Annotated:
        kind, *inner = get_args(kind)
        metadata += [bound for part in inner for bound in part.metadata]
    return kind, metadata


def wrong_types(field):
    kind, _ = bounds_and_type(field)
    if kind is int:
        return ["many", "7", 1.5, True, [1], math.nan, math.inf, {"a": 1}]
    if kind is float:
        return ["many", True, [0.5], math.nan, math.inf, -math.inf, "nan", "inf"]
    if kind is bool:
        return ["maybe", 1, 0.0, [True]]
    if kind is str:
        return [3, 1.5, True, ["tcp://host:1"]]
    if get_origin(kind) is Literal:
        return ["no such choice", 10**6, 0.5, True, [], math.nan]
    empty = [] if field.default == [] else [[]]
    return ["center", 7, *empty, [None], [math.nan], [[1, 2, 3]], {"a": 1}]


def out_of_range(field):
    kind, metadata = bounds_and_type(field)
    step = 1 if kind is int else 1e-9
    for bound in metadata:
        match bound:
            case Ge(ge=edge):
                yield kind(edge - step)
            case Gt(gt=edge):
                yield kind(edge)
            case Le(le=edge):
                yield kind(edge + step)
            case Lt(lt=edge):
                yield kind(edge)


LEAVES = dict(leaves())
WRONG_TYPES = [
    (key, bad) for key, field in LEAVES.items() for bad in wrong_types(field)
]
OUT_OF_RANGE = [
    (key, bad) for key, field in LEAVES.items() for bad in out_of_range(field)
]


def test_every_number_has_a_bound():
    numbers = {
        key
        for key, field in LEAVES.items()
        if bounds_and_type(field)[0] in (int, float)
    }

    assert numbers == {key for key, _ in OUT_OF_RANGE}


@pytest.mark.parametrize(("key", "bad"), WRONG_TYPES, ids=str)
def test_a_value_of_a_wrong_type_is_refused_with_key_and_value(key, bad):
    with pytest.raises(ParameterError) as caught:
        resolve(nested(key, bad))

    assert f"'{key}" in str(caught.value)
    shown = bad if not isinstance(bad, str) or bad not in ("nan", "inf") else float(bad)
    while isinstance(shown, list) and shown:
        shown = shown[0]
    assert repr(shown) in str(caught.value)


@pytest.mark.parametrize(("key", "bad"), OUT_OF_RANGE, ids=str)
def test_a_value_out_of_range_is_refused_with_key_value_and_range(key, bad):
    with pytest.raises(ParameterError, match=r"greater than|less than") as caught:
        resolve(nested(key, bad))

    assert f"'{key}' is {bad!r}" in str(caught.value)


@pytest.mark.parametrize("key", valid_keys())
@pytest.mark.parametrize(
    "misspell", ["{0}z", "z{0}", "{1}"], ids=["suffix", "prefix", "cut"]
)
def test_a_misspelt_name_is_refused_with_the_name_that_was_meant(key, misspell):
    *block, name = key.split(".")
    wrong = ".".join([*block, misspell.format(name, name[:-1])])
    if wrong in valid_keys():
        pytest.skip("that is a name, too")

    with pytest.raises(ParameterError) as caught:
        resolve(nested(wrong, 1))

    suggested = str(caught.value).partition("did you mean ")[2]
    assert f"unknown parameter '{wrong}'" in str(caught.value)
    siblings = {"complete.beta_1", "complete.beta_2"}
    meant = siblings if key in siblings else {key}
    assert suggested in {f"'{valid}'?" for valid in meant}


def test_a_parameter_in_the_wrong_block_is_pointed_to_its_own():
    with pytest.raises(ParameterError, match=r"'complete\.lam'; did you mean 'lam'\?"):
        resolve({"complete": {"lam": 0.1}})


def test_an_unknown_name_is_reported_before_a_wrong_value():
    with pytest.raises(ParameterError, match="lamda"):
        resolve({"seed": -1, "lamda": 0.1})


@pytest.mark.parametrize("bad", [None, 5, "x", [1]])
@pytest.mark.parametrize("block", ["ingest", "align", "train", "sample.arithmetic"])
def test_a_block_that_is_no_mapping_is_refused_by_name(block, bad):
    with pytest.raises(ParameterError, match=f"'{block}' is"):
        resolve(nested(block, bad))


@pytest.mark.parametrize("block", PRESETS)
@pytest.mark.parametrize("preset", [None, 1, ["reference"], {"a": 1}, "Reference"])
def test_a_preset_that_does_not_exist_is_refused(block, preset):
    with pytest.raises(ParameterError, match=rf"'{block}\.preset' is"):
        resolve({block: {"preset": preset}})


def test_an_error_is_one_line():
    with pytest.raises(ParameterError) as caught:
        resolve({"train": {"batch_size": 0, "max_steps": "x"}, "zeed": 1})

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["1e-3", "0.001", ".001"])
def test_numbers_that_yaml_takes_for_text_are_numbers(text):
    assert resolve({"lam": text}).lam == 0.001


@pytest.mark.parametrize(
    ("key", "value"),
    [("train.max_steps", 1e3), ("seed", 7.0), ("complete.iterations", 50.0)],
)
def test_a_float_that_is_whole_serves_as_a_whole_number(key, value):
    found = functools.reduce(getattr, key.split("."), resolve(nested(key, value)))

    assert found == value
    assert isinstance(found, int)


def test_a_whole_number_serves_as_a_float():
    lam = resolve({"lam": 1}).lam

    assert lam == 1.0
    assert isinstance(lam, float)


def test_nothing_given_means_every_default():
    assert resolve({}) == Parameters()


@settings(deadline=None)  # the first example imports
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "seed": st.integers(0, 2**31 - 1),
            "lam": st.floats(0, 1e6),
            "image_size": st.sampled_from([16, 32, 64, 128]),
            "train": st.fixed_dictionaries(
                {},
                optional={
                    "preset": st.sampled_from(list(TRAIN_PRESETS)),
                    "batch_size": st.integers(2, 10**6),
                    "flip": st.booleans(),
                },
            ),
        },
    )
)
def test_resolved_parameters_resolve_to_themselves(values):
    once = resolve(values)

    assert resolve(once.model_dump()) == once
    assert resolve(yaml.safe_load(yaml.safe_dump(once.model_dump()))) == once


@pytest.mark.parametrize(
    ("block", "own"), [("train", "batch_size"), ("complete", "iterations")]
)
def test_a_preset_sets_what_is_not_given_and_only_that(block, own):
    resolved = getattr(resolve({block: {"preset": "reference", own: 7}}), block)

    for key, value in PRESETS[block]["reference"].items():
        assert getattr(resolved, key) == (7 if key == own else value)


def test_a_window_without_a_middle_is_refused():
    with pytest.raises(ParameterError, match=r"'complete' .*odd, not 8"):
        resolve({"complete": {"window": 8}})


def test_a_bank_smaller_than_the_starts_is_refused_with_both_numbers():
    with pytest.raises(ParameterError, match=r"bank of 4 .* 5 starts"):
        resolve({"complete": {"bank_size": 4, "candidates": 5}})


def test_more_candidates_than_draws_are_refused_with_both_numbers():
    few = {"method": "hmc", "candidates": 9, "hmc": {"chains": 2, "draws": 4}}
    with pytest.raises(ParameterError, match=r"8 draws .* 9 candidates"):
        resolve({"complete": few})


def test_chains_refuse_a_projection_that_they_would_not_use():
    with pytest.raises(ParameterError, match=r"projection is clip .* not normal"):
        resolve({"complete": {"method": "hmc", "projection": "normal"}})


def test_a_search_before_chains_is_longer_unless_told_otherwise():
    assert resolve({"complete": {"method": "hmc"}}).complete.iterations == 300
    given = {"method": "hmc", "iterations": 20}
    assert resolve({"complete": given}).complete.iterations == 20
    assert resolve({}).complete.num_iterations == 150


@pytest.mark.parametrize(
    ("given", "is_encoded", "expected"),
    [
        ({}, True, 5),
        ({}, False, 150),
        # Further starts come from the bank, and need the longer search.
        ({"candidates": 3}, True, 150),
        ({"iterations": 7}, True, 7),
        ({"preset": "reference"}, True, 1000),
        ({"method": "hmc"}, False, 300),
    ],
)
def test_a_search_is_short_where_an_encoder_begins_it(given, is_encoded, expected):
    options = resolve({"complete": given}).complete
    assert options.with_iterations(is_encoded=is_encoded).num_iterations == expected


def test_arithmetic_on_samples_that_are_not_drawn_is_refused_with_both_numbers():
    with pytest.raises(ParameterError, match=r"names sample 8, but sample\.count is 8"):
        resolve({"sample": {"count": 8}})


def test_parameters_cannot_be_changed_later():
    with pytest.raises(ValueError, match="frozen"):
        resolve({}).lam = 2.0


def base_configuration():
    merged = {}
    for path in sorted((ROOT / "conf/base").glob("parameters*.yml")):
        merged |= yaml.safe_load(path.read_text(encoding="utf-8"))
    return merged


def test_the_configuration_holds_the_defaults():
    assert resolve(base_configuration()) == Parameters()


def test_the_configuration_lists_every_parameter():
    given = {}

    def collect(values, prefix=""):
        for key, value in values.items():
            if isinstance(value, dict):
                collect(value, f"{prefix}{key}.")
            else:
                given[prefix + key] = value

    collect(base_configuration())

    assert given.keys() == set(LEAVES)


@pytest.mark.parametrize(
    ("block", "key"),
    [(block, key) for block in PRESETS for key in PRESETS[block]["reference"]],
)
def test_what_a_preset_sets_stands_in_the_configuration_with_both_values(block, key):
    path = ROOT / f"conf/base/parameters_{block}.yml"
    text = path.read_text(encoding="utf-8")
    marked = re.search(rf"^  {key}: null  # of the preset: (.+) \| (.+)$", text, re.M)
    default, reference = (yaml.safe_load(value) for value in marked.groups())

    assert default == LEAVES[f"{block}.{key}"].default
    assert reference == PRESETS[block]["reference"][key]


@pytest.mark.parametrize("block", PRESETS)
def test_the_preset_alone_turns_the_configuration_into_the_reference(block):
    values = base_configuration()
    values[block]["preset"] = "reference"

    resolved = getattr(resolve(values), block)

    for key, value in PRESETS[block]["reference"].items():
        assert getattr(resolved, key) == value


def test_one_file_for_each_pipeline_holds_its_parameters():
    files = {path.stem for path in (ROOT / "conf/base").glob("parameters_*.yml")}
    pipelines = {
        path.parent.name
        for path in (ROOT / "src/facefill/pipelines").glob("*/nodes.py")
    }

    assert files == {f"parameters_{name}" for name in pipelines}


@pytest.mark.parametrize("environment", ["demo", "test"])
def test_the_parameters_of_each_environment_are_valid(environment):
    path = ROOT / "conf" / environment / "parameters.yml"

    resolve(yaml.safe_load(path.read_text(encoding="utf-8")))


def test_every_parameter_is_described_in_its_docstring():
    def undescribed(model):
        for name, field in model.model_fields.items():
            kind = field.annotation
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from undescribed(kind)
                if model is Parameters:
                    continue  # a block is described by its own class
            # Python 3.13 takes the indentation of docstrings away.
            if f"\n    {name}: " not in inspect.cleandoc(model.__doc__):
                yield f"{model.__name__}.{name}"

    assert list(undescribed(Parameters)) == []
