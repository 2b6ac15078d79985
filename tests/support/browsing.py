"""Pages opened in Chromium, where it is installed."""

import functools
import http.server
import importlib.util
import os
import shutil
import threading
from contextlib import contextmanager

CHROMIUM = os.environ.get("FACEFILL_CHROMIUM") or shutil.which("chromium") or ""

_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def missing(*packages):
    """What is missing of what a test in the browser needs; empty if nothing is."""
    absent = [name for name in packages if importlib.util.find_spec(name) is None]
    if not CHROMIUM:
        absent.append("chromium")
    return f"make browser installs what is missing: {', '.join(absent)}" * bool(absent)


@contextmanager
def opened(folder, **options):
    """A page of Chromium with an empty profile, and what it asked of any host."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            folder, executable_path=CHROMIUM, args=_FLAGS, **options
        )
        page = context.pages[0]
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        yield page, asked
        context.close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@contextmanager
def served(folder):
    """Address of static files on this machine."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
