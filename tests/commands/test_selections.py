"""Names on the command line are those of the pipelines, or are refused."""

import pytest
from kedro.pipeline import Node, Pipeline
from kedro.runner import ThreadRunner

from facefill.commands.selections import (
    RUNNERS,
    known_names,
    require_known,
    require_known_runner,
)
from facefill.errors import ParameterError


def pipeline():
    nodes = [Node(len, "words", "count", name="count_words", tags="reading")]
    return Pipeline(nodes, namespace="book", inputs="words")


KNOWN = known_names([pipeline()])


def test_the_names_are_those_of_kedro():
    assert {
        "nodes": {"book.count_words"},
        "datasets": {"words", "book.count"},
        "tags": {"reading"},
        "namespaces": {"book"},
    } == KNOWN
    assert ThreadRunner.__name__ in RUNNERS


@pytest.mark.parametrize(
    ("option", "given", "said"),
    [
        ("node_names", ["book.count_word"], "node 'book.count_word'; did you mean"),
        ("from_nodes", ["count_words"], "did you mean 'book.count_words'"),
        ("to_nodes", ["x"], "unknown node 'x'"),
        ("from_inputs", ["word"], "unknown dataset 'word'; did you mean 'words'"),
        ("to_outputs", ["counts"], "did you mean 'book.count'"),
        ("tags", ("readnig",), "unknown tag 'readnig'; did you mean 'reading'"),
        ("namespaces", ["boko"], "unknown namespace 'boko'; did you mean 'book'"),
    ],
)
def test_a_misspelt_name_is_refused_with_the_nearest(option, given, said):
    with pytest.raises(ParameterError) as caught:
        require_known({option: given}, KNOWN)
    assert said in str(caught.value)


def test_what_there_is_is_let_through():
    given = {"node_names": ["book.count_words"], "tags": ("reading",), "env": "x"}
    require_known(given | {"namespaces": ["book"], "from_inputs": None}, KNOWN)
    for runner in (None, "SequentialRunner", "mine.runners.Own"):
        require_known_runner(runner)


def test_a_pipeline_without_any_says_so():
    known = known_names([Pipeline([Node(len, "words", "count")])])
    with pytest.raises(ParameterError, match="unknown tag 'a'; the pipeline has none"):
        require_known({"tags": ["a"]}, known)
