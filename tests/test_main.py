"""What the program ``facefill`` says of itself."""

import subprocess
import sys

import pytest


def typed(*words):
    return subprocess.run(
        [sys.executable, "-m", "facefill", *words],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_names_the_commands_before_the_options_of_a_run(option):
    said = typed(option)
    assert said.returncode == 0
    places = [
        said.stdout.index(text)
        for text in (
            "facefill complete PHOTO",
            "facefill app",
            "--pipeline",
            "--params",
        )
    ]
    assert places == sorted(places)


@pytest.mark.parametrize("word", ["compelte", "run"])
def test_another_command_is_refused_with_those_that_there_are(word):
    said = typed(word, "photo.jpg")
    assert said.returncode == 1
    assert said.stderr == (
        f"Error: unknown command '{word}'; facefill has complete and app, and "
        "`kedro run` runs the pipelines\n"
    )
