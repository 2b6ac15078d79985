"""What every test gets."""

import os
import signal

import pytest

# ``FACEFILL_LFW= make test`` is without them, as without the variable.
for name in [name for name in os.environ if name.startswith("FACEFILL_")]:
    if not os.environ[name]:
        del os.environ[name]

# A shell has what it starts in the background ignore Ctrl-C, and so would the runs that
# tests interrupt: they would end well, and show nothing.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _no_telemetry(monkeypatch):
    monkeypatch.setenv("DO_NOT_TRACK", "1")
