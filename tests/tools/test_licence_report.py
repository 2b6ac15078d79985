"""The list of licences is that of the lock, and knows every one."""

import datetime
import re
import tomllib

from packaging.requirements import Requirement

from loading import tool
from projects import ROOT

report = tool("licence_report")
PAGE = (ROOT / "docs/dependencies.md").read_text(encoding="utf-8")


def test_every_locked_package_is_on_the_page_in_its_version():
    packages = report.read_packages()
    assert len(packages) > 150
    for package in packages:
        assert f"| {package.name} | {package.version} | " in PAGE
    listed = re.findall(r"^\| [^|]+ \| [0-9][^|]* \| [^|]+ \| [^|]*\|$", PAGE, re.M)
    assert len(listed) == len(packages)


def test_the_page_has_a_date_and_no_package_is_without_a_licence():
    (day,) = re.findall(r"Made on ([0-9-]{10}) of", PAGE)
    assert datetime.date.fromisoformat(day)
    assert "unknown" not in PAGE.partition(report.BEGIN)[2]


def test_a_licence_is_told_by_its_words():
    said = (
        "Permission is hereby granted, free of charge,\nto any person obtaining a copy"
    )
    assert report.licence_of_text(said) == "MIT"
    assert report.licence_of_text("All rights reserved.") == "unknown"


def test_what_obliges_is_named_apart():
    packages = [
        report.Package("a", "1", "MIT", is_direct=True),
        report.Package("b", "2", "LGPL-3.0", is_direct=False),
    ]
    table = report.table(packages, datetime.date(2026, 11, 28))
    assert "passes them on: b (LGPL-3.0)." in table
    assert "of 2 locked packages, 1 of them" in table


def test_the_lock_satisfies_what_is_asked_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    asked = [Requirement(each) for each in project["project"]["dependencies"]]
    names = [report.canonical(requirement.name) for requirement in asked]
    assert len(set(names)) == len(names)
    locked = {}
    for package in report.read_packages():
        locked.setdefault(report.canonical(package.name), []).append(package.version)
    for requirement, name in zip(asked, names, strict=True):
        assert locked[name]
        assert all(map(requirement.specifier.contains, locked[name])), requirement
