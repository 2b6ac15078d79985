"""Tests of what becomes of freed memory."""

import subprocess
import sys

import pytest

# Whether a freed array of 256 MiB still belongs to the process.
_PROGRAM = """
import re, sys
import numpy as np
from facefill.backend.memory import keep_freed_memory

if sys.argv[1] == "kept":
    keep_freed_memory()

def held():
    return int(re.search(r"VmRSS:\\s+(\\d+)", open("/proc/self/status").read())[1])

before = held()
np.ones(2**28, np.uint8)
print(held() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux what is held")
def test_freed_memory_is_kept_for_the_next_operation():
    held = {
        which: int(
            subprocess.run(
                [sys.executable, "-c", _PROGRAM, which],
                check=True,
                capture_output=True,
                text=True,
            ).stdout
        )
        for which in ("kept", "given back")
    }

    assert held["given back"] < 2**10 < 2**17 < held["kept"]
