"""Write docs/parameters.md: every parameter, from the models that check them.

::

    python tools/parameter_page.py

Names, values and defaults come from ``facefill.parameters``, the sentences from its
docstrings, and the pipelines from the wiring of the nodes.
"""

import argparse
import re
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from kedro.framework.project import pipelines
from kedro.framework.startup import bootstrap_project

from facefill.parameters import COMPLETE_PRESETS, TRAIN_PRESETS, Parameters
from facefill.parameters.completion import SEARCH_BEFORE_CHAINS
from facefill.runtime.run_description import parameters_of

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/parameters.md"
OTHER_DEFAULTS: dict[str, dict[str, dict[str, Any]]] = {
    "train": {"preset: reference": TRAIN_PRESETS["reference"]},
    "complete": {
        "preset: reference": COMPLETE_PRESETS["reference"],
        "method: hmc": SEARCH_BEFORE_CHAINS,
    },
}
"""Defaults of a block beside its own, by what sets them."""

HEAD = """\
# Parameters

Written by `python tools/parameter_page.py` from the models that check them: change
`src/facefill/parameters` instead of this page. Where a default comes from (the paper,
the reference's code, a measurement of ours) stands beside it in
`conf/base/parameters*.yml`.

Set one for a run, or for good in `conf/local/parameters.yml`:

```sh
kedro run --pipeline=complete --params=lam:0.5,complete.candidates:4
```

A misspelt name, a wrong type or a value out of range stops the run before any work, in
one line that names the nearest valid name. A pipeline that reads a block reads some of
its parameters, not always all. `null` is YAML's word for none.
"""

_BOUNDS = {
    "minimum": "at least",
    "exclusiveMinimum": "above",
    "maximum": "at most",
    "exclusiveMaximum": "below",
}

Schema = Mapping[str, Any]


def page() -> str:
    """The whole page, in Markdown."""
    schema = Parameters.model_json_schema()
    readers = pipelines_by_parameter()
    sections = [HEAD, "## At the top\n", *_top(schema, readers)]
    for name, field in schema["properties"].items():
        if "$ref" in field:
            sections += _block(schema, name, field["$ref"], readers[name])
    return "\n".join(sections)


def pipelines_by_parameter() -> dict[str, list[str]]:
    """Names of the pipelines that read each parameter at the top, or block."""
    bootstrap_project(ROOT)
    catalog = yaml.safe_load((ROOT / "conf/base/catalog.yml").read_text("utf-8"))
    models = {name for name, entry in catalog.items() if "pretrained" in entry}
    values = Parameters().model_dump()
    readers: dict[str, list[str]] = {name: [] for name in values}
    for pipeline in sorted(set(pipelines) - {"__default__"}):
        inputs = {name for node in pipelines[pipeline].nodes for name in node.inputs}
        read = parameters_of(inputs, values, reads_models=bool(models & inputs))
        for name in read:
            readers[name].append(pipeline)
    return readers


def _top(schema: Schema, readers: Mapping[str, list[str]]) -> Iterator[str]:
    meanings = _meanings(schema["description"])
    yield "| parameter | values | default | what it is | pipelines |"
    yield "|---|---|---|---|---|"
    for name, field in schema["properties"].items():
        if "$ref" not in field:
            cells = [f"`{name}`", _values(field), _code(field["default"])]
            yield _row(*cells, meanings[name], _list(readers[name]))
    yield ""


def _block(schema: Schema, name: str, ref: str, readers: list[str]) -> Iterator[str]:
    """Section of a block: what it is, who reads it, and a table."""
    yield f"## {name}\n"
    summary = _resolved(schema, ref)["description"].partition("\n")[0]
    yield f"{_sentence(summary)} Read by {_list(readers)}.\n"
    yield "| parameter | values | default | what it is |"
    yield "|---|---|---|---|"
    yield from _rows(schema, name, ref)
    yield ""


def _rows(schema: Schema, prefix: str, ref: str) -> Iterator[str]:
    """Rows of a block, those of the blocks in it behind their own summaries."""
    block = _resolved(schema, ref)
    meanings = _meanings(block["description"])
    for key, field in block["properties"].items():
        name = f"{prefix}.{key}"
        if "$ref" in field:
            yield from _rows(schema, name, field["$ref"])
        else:
            default = _default(prefix, key, field)
            yield _row(f"`{name}`", _values(field), default, meanings[key])


def _resolved(schema: Schema, ref: str) -> Schema:
    definition: Schema = schema["$defs"][ref.rpartition("/")[2]]
    return definition


def _meanings(docstring: str) -> dict[str, str]:
    """Sentences of each attribute, of a docstring's section ``Attributes``."""
    attributes = textwrap.dedent(docstring.partition("Attributes:\n")[2])
    entries = re.findall(r"^(\w+): (.*(?:\n +.*)*)", attributes, re.MULTILINE)
    return {name: _sentence(text) for name, text in entries}


def _sentence(text: str) -> str:
    words = " ".join(text.split()).replace("``", "`").replace("|", "\\|")
    return re.sub(r"`?\bNone\b`?", "`null`", words)


def _values(field: Schema) -> str:
    """Type and range, such as ``integer, 0 to 3``, or the names to choose from."""
    if "anyOf" in field:
        return ", or ".join(_values(each) for each in field["anyOf"])
    if "enum" in field:
        return ", ".join(f"`{name}`" for name in field["enum"])
    if field["type"] == "array":
        least, most = (field.get(key) for key in ("minItems", "maxItems"))
        count = f"{least} " if least and least == most else ""
        at_least = f", {least} at least" if least and not count else ""
        return f"list of {count}({_values(field['items'])}){at_least}"
    names = {"string": "text", "boolean": "`true`, `false`", "null": "`null`"}
    kind = names.get(field["type"], field["type"])
    return ", ".join(part for part in (kind, _range(field)) if part)


def _range(field: Schema) -> str:
    bounds = {key: _number(value) for key, value in field.items() if key in _BOUNDS}
    if set(bounds) == {"minimum", "maximum"}:
        return "{minimum} to {maximum}".format(**bounds)
    return ", ".join(
        f"{_BOUNDS[key]} {bounds[key]}" for key in _BOUNDS if key in bounds
    )


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else str(value)


def _default(prefix: str, key: str, field: Schema) -> str:
    """Default, and other defaults with what sets them."""
    others = [
        f"{_code(values[key])} (`{setting}`)"
        for setting, values in OTHER_DEFAULTS.get(prefix, {}).items()
        if key in values
    ]
    return ", ".join([_code(field["default"]), *others])


def _code(value: object) -> str:
    """Write a value as YAML has it."""
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000)
    line = text.partition("\n")[0]  # what follows a scalar marks its end
    return f"`{line}`"


def _list(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Write the page."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
