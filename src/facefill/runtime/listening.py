"""Sockets on which pages are served.

A page is listened for before its address is printed: a browser that is opened at once
waits for the page, and is not refused.
"""

import os
import socket

from facefill.errors import BusyError


def listen(host: str, port: int) -> socket.socket:
    """Listen on a port.

    Args:
        host: Address of this machine, such as ``127.0.0.1`` or ``::1``.
        port: 0 takes whichever is free.

    Raises:
        BusyError: If another process listens there, or it cannot be listened on.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise BusyError(
            f"port {port} of {host} cannot be used ({reason}); stop what listens "
            "there, or name another one with --port"
        ) from error
