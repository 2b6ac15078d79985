"""A page is listened for before anybody is told where it is."""

import socket

import pytest

from facefill.errors import BusyError
from facefill.runtime.listening import listen


def test_a_port_that_is_taken_is_named_with_the_cure():
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BusyError, match=rf"port {port} .*--port"):
            listen("127.0.0.1", port)
    listen("127.0.0.1", port).close()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_browser_that_is_early_waits_for_the_page(host):
    with listen(host, 0) as listener:
        place = listener.getsockname()[:2]
        with socket.create_connection(place, timeout=5) as browser:
            page, _ = listener.accept()
            with page:
                page.sendall(b"here")
            assert browser.recv(4) == b"here"
