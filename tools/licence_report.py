"""Write the dated list of the locked dependencies with their licences.

Each package of ``requirements.lock`` is looked up in the environment that runs this,
which ``make install`` has made of the same lock; what is locked for other systems
alone is said to be absent. Nothing is fetched.

Synopsis::

    python tools/licence_report.py > build/licences.md
    python tools/licence_report.py --write  # the table in docs/dependencies.md
"""

import argparse
import datetime
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "dependencies.md"
BEGIN, END = "<!-- licences: begin -->", "<!-- licences: end -->"

_LOCKED = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)
_ABSENT = "not for this system"
_UNKNOWN = "unknown"
_LONGEST = 60
# One name for what packages call by several.
_NAMES = {
    "MIT License": "MIT",
    "Apache Software License": "Apache-2.0",
    "Apache Software License (Apache 2.0)": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "3-Clause BSD License": "BSD-3-Clause",
    "BSD": "BSD License",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
# Sentences by which a licence is told from its text.
_TEXTS = {
    "MIT": "Permission is hereby granted, free of charge, to any person obtaining",
    "Apache-2.0": "Licensed under the Apache License, Version 2.0",
    "BSD License": "Redistribution and use in source and binary forms, with or",
}
# What a licence that obliges whoever passes a work on is called.
_COPYLEFT = re.compile(r"\b(A?GPL|LGPL|MPL|EPL|CDDL)|GNU|Mozilla", re.IGNORECASE)


@dataclass(frozen=True)
class Package:
    """A locked package.

    Attributes:
        name: As the lock has it.
        version: As the lock has it.
        licence: What the package says of itself, or why nothing is known.
        is_direct: Whether facefill asks for it, and not only another package.
    """

    name: str
    version: str
    licence: str
    is_direct: bool


def licence_of(found: Distribution) -> str:
    """Read a licence from the metadata: the expression, classifiers, or the text."""
    if expression := _field(found, "License-Expression"):
        return expression
    classifiers = found.metadata.get_all("Classifier") or []
    named = {
        each.split("::")[-1].strip()
        for each in classifiers
        if each.startswith("License ::") and each != "License :: OSI Approved"
    }
    if named:
        return " or ".join(sorted(_NAMES.get(each, each) for each in named))
    text = _field(found, "License").strip()
    first = text.splitlines()[0].strip() if text else ""
    # Some paste the whole licence.
    if first and len(first) <= _LONGEST:
        return _NAMES.get(first, first)
    return licence_of_text(text + _licence_file(found))


def _field(found: Distribution, name: str) -> str:
    """Give the first of a name in the metadata; empty if there is none."""
    values = found.metadata.get_all(name) or []
    return str(values[0]) if values else ""


def _licence_file(found: Distribution) -> str:
    files = [file for file in found.files or [] if file.name.startswith("LICEN")]
    return " ".join(file.read_text(encoding="utf-8") for file in files)


def licence_of_text(text: str) -> str:
    """Tell a licence by its own words."""
    words = " ".join(text.split())
    for name, sentence in _TEXTS.items():
        if sentence in words:
            return name
    return _UNKNOWN


def canonical(name: str) -> str:
    """Name a package as indexes compare names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def direct_names() -> set[str]:
    """Names that ``pyproject.toml`` asks for, but for the tools of developers."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = project["project"]["dependencies"]
    names = [re.match(r"[A-Za-z0-9._-]+", each) for each in wanted]
    return {canonical(match.group()) for match in names if match}


def read_packages() -> list[Package]:
    """List the locked packages with their licences."""
    direct, packages = direct_names(), []
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    for name, version in sorted(set(_LOCKED.findall(lock))):
        try:
            # Of a package that other versions of Python have in another version, the
            # installed one tells for both.
            licence = licence_of(distribution(name))
        except PackageNotFoundError:
            licence = _ABSENT
        packages.append(Package(name, version, licence, canonical(name) in direct))
    return packages


def table(packages: Sequence[Package], today: datetime.date) -> str:
    """Write the packages as Markdown: counts, those that oblige, and all."""
    counts = Counter(package.licence for package in packages)
    oblige = [package for package in packages if _COPYLEFT.search(package.licence)]
    lines = [
        f"Made on {today.isoformat()} of {len(packages)} locked packages, "
        f"{sum(package.is_direct for package in packages)} of them asked for by "
        "facefill itself.",
        "",
        "| licence | packages |",
        "|---|---|",
        *(f"| {licence} | {count} |" for licence, count in counts.most_common()),
        "",
        "Under a licence that obliges whoever passes them on: "
        + (", ".join(f"{each.name} ({each.licence})" for each in oblige) or "none")
        + ".",
        "",
        "| package | version | licence | asked for |",
        "|---|---|---|---|",
        *(
            f"| {each.name} | {each.version} | {each.licence} "
            f"| {'facefill' if each.is_direct else ''} |"
            for each in packages
        ),
    ]
    return "\n".join(lines)


def write(content: str, page: Path = PAGE) -> None:
    """Put the table between the marks of the page."""
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n\n{content}\n\n{END}{after}", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the script; 0 unless a package that is installed has no licence."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--write", action="store_true", help="into docs/dependencies.md"
    )
    options = parser.parse_args(arguments)
    packages = read_packages()
    content = table(packages, datetime.datetime.now(datetime.UTC).date())
    if options.write:
        write(content)
    else:
        print(content)
    unknown = [each.name for each in packages if each.licence == _UNKNOWN]
    if unknown:
        print(f"no licence is known of {', '.join(unknown)}", file=sys.stderr)
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
