"""How a service is asked whether it can be used: a port that takes connections, a page that answers."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Callable


def listens(port: int, host: str = "127.0.0.1") -> Callable[[], bool]:
    """A probe: whether a port takes connections."""

    def probe() -> bool:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as attempt:
            attempt.settimeout(2)
            return attempt.connect_ex((host, port)) == 0

    return probe


def answers(port: int, path: str, host: str = "127.0.0.1") -> Callable[[], bool]:
    """A probe: whether a page is served with a status below 400."""

    def probe() -> bool:
        connection = http.client.HTTPConnection(host, port, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().status < 400
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return probe
