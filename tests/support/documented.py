"""The code that README.md and the pages of docs show, fenced or indented."""

import re
import shlex
import textwrap
from itertools import dropwhile

import pytest

from projects import ROOT

STORIES = ("README.md", "docs/tutorial.md")
PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    *(
        path.relative_to(ROOT).as_posix()
        for path in sorted((ROOT / "docs").rglob("*.md"))
    ),
)
HOW_TO = tuple(page for page in PAGES if page.startswith("docs/how-to/"))
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"(?<=\n\n)(?: {4}.*\n)+")
VARIABLE = re.compile(r"[A-Z_]+=")


def blocks(language, pages=PAGES):
    """Blocks of a language: the page, and the text of each."""
    return [
        (page, text)
        for page in pages
        for kind, text in blocks_of((ROOT / page).read_text(encoding="utf-8"))
        if kind == language
    ]


def blocks_of(page):
    """Blocks of a page: the language and the text of each, the fenced ones first."""
    indented = map(textwrap.dedent, INDENTED.findall(FENCED.sub("", page)))
    return [*FENCED.findall(page), *((language_of(text), text) for text in indented)]


def language_of(text):
    """Language of a block that does not say it."""
    first = next(line for line in text.splitlines() if not line.startswith("#"))
    if re.match(r"\w+:( \{|$)", first):
        return "yaml"
    return "python" if re.match(r"(import|from) |\w+ = ", first) else "sh"


def commands():
    """Commands of the shell: the page, and the words of each, without variables set."""
    return [
        (page, list(dropwhile(VARIABLE.match, words)))
        for page, text in blocks("sh")
        for words in split(text)
    ]


def split(text):
    """Words of each command of a block; what is quoted may have several lines."""
    begun = ""
    for line in text.replace("\\\n", " ").splitlines():
        begun = f"{begun}\n{line}" if begun else line
        try:
            words = shlex.split(begun, comments=True)
        except ValueError:  # a quotation that goes on
            continue
        begun = ""
        if words:
            yield words


def labelled(cases):
    """Cases of a parametrised test, called by page and command."""
    return [pytest.param(*case, id=f"{case[0]}: {' '.join(case[1])}") for case in cases]
