"""Loads scripts of ``tools`` as modules."""

import importlib.util
import sys

from projects import ROOT


def tool(name):
    """Load ``tools/<name>.py``."""
    spec = importlib.util.spec_from_file_location(name, ROOT / f"tools/{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look for their module
    spec.loader.exec_module(module)
    return module
