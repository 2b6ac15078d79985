"""Loader of the configuration, whose errors name the file and fit in a line."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from kedro.config import OmegaConfigLoader
from omegaconf.errors import OmegaConfBaseException

from facefill.errors import ParameterError


def _with_home(values: dict[str, Any]) -> dict[str, Any]:
    """Put the home folder for ``~`` in global values, such as the folder of data."""
    return {
        name: str(Path(value).expanduser()) if _begins_at_home(value) else value
        for name, value in values.items()
    }


def _local(values: dict[str, Any]) -> dict[str, Any]:
    """Refuse a folder of data elsewhere, of which a local one would be made.

    Raises:
        ParameterError: If it is one.
    """
    if "://" in str(values.get("data", "")):
        raise ParameterError(
            f"globals.yml: data: {values['data']} is not on this machine, where models "
            "and the folders that are worked in have to be; tables, reports and "
            "pictures may lie elsewhere, by their own entries in catalog.yml"
        )
    return values


def _begins_at_home(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("~")


class ReadableConfigLoader(OmegaConfigLoader):
    """Kedro's loader; what it stumbles over is said for whoever wrote the files."""

    def __getitem__(self, key: str) -> Any:
        """Load a part of the configuration, such as ``parameters``.

        Raises:
            ParameterError: If a file is not UTF-8 or no mapping, two files have one
                key, ``--params`` does not fit the files, or the folder of data is
                elsewhere.
        """
        try:
            found = super().__getitem__(key)
            return _local(_with_home(found)) if key == "globals" else found
        except OmegaConfBaseException:
            raise
        except (ValueError, TypeError, AttributeError) as error:
            raise ParameterError(self._explained(key, error)) from error

    def _explained(self, key: str, error: Exception) -> str:
        for problem in self._problems():
            return problem
        if isinstance(error, TypeError) and key == "parameters":
            return (
                f"--params does not fit the parameters of the files ({error}); lists "
                "are given as a whole, such as evaluate.masks:[center,left]"
            )
        return f"the configuration ({key}) cannot be read: {error}"

    def _problems(self) -> Iterator[str]:
        """Find files that are not UTF-8, or lists."""
        for path in sorted(Path(self.conf_source).rglob("*.y*ml")):
            try:
                content = yaml.safe_load(path.read_text(encoding="utf-8"))
            except UnicodeError as error:
                yield f"{path} is not UTF-8 ({error}); save it as UTF-8"
            except (OSError, yaml.YAMLError):  # said as well as can be elsewhere
                continue
            else:
                if isinstance(content, list):
                    yield f"{path} holds a list, where keys with values should be"
