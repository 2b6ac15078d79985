"""Notebooks run without Jupyter: the code of their cells, in one namespace.

Usage: ``python notebooks.py NOTEBOOK``; prints a line of JSON a cell of code, with what
it printed and the PNG of the value of its last line, if that is a picture.
"""

import ast
import base64
import io
import json
import sys
from contextlib import redirect_stdout
from pathlib import Path


def code_cells(path):
    """Cells of code of a notebook, as they are stored."""
    notebook = json.loads(Path(path).read_text(encoding="utf-8"))
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def stored(cell):
    """What a cell printed, and the PNG of its value, when it was stored."""
    printed = [
        "".join(output["text"])
        for output in cell["outputs"]
        if output["output_type"] == "stream"
    ]
    values = [
        output["data"].get("image/png")
        for output in cell["outputs"]
        if output["output_type"] == "execute_result"
    ]
    return "".join(printed), values[0] if values else None


def run(path):
    """Run the cells; yields of each what it printed, and the PNG of its value."""
    namespace = {"__name__": "__main__"}
    for number, cell in enumerate(code_cells(path), start=1):
        tree = ast.parse("".join(cell["source"]))
        name = f"{Path(path).name}, cell {number}"
        last = None
        if tree.body and isinstance(tree.body[-1], ast.Expr):
            last = ast.Expression(tree.body.pop().value)
        with redirect_stdout(io.StringIO()) as printed:
            exec(compile(tree, name, "exec"), namespace)
            value = last and eval(compile(last, name, "eval"), namespace)
        png = value._repr_png_() if hasattr(value, "_repr_png_") else None
        yield printed.getvalue(), png and base64.b64encode(png).decode()


if __name__ == "__main__":
    import matplotlib

    matplotlib.use("agg")
    for outcome in run(sys.argv[1]):
        sys.stdout.write(f"{json.dumps(outcome)}\n")
