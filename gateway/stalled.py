"""Connections whose clients take nothing of what was sent: the kernel ends them, as granian would wait for ever.

What an answer in pieces waits for is bounded in gateway/overload.py. Its last piece, and every answer that fits into
one, is out of our hands when it is sent: granian keeps it, and the connection with it, for as long as the client likes.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

UNTAKEN_WITHIN_S: Final = 30.0
"""How long nothing may be taken of what is waiting to be read."""
_OPEN_FILES: Final = Path("/proc/self/fd")
_LOOKS: Final = 200
_LOOKS_EVERY_S: Final = 0.05


async def end_stalled() -> None:
    """Set it for the sockets that this process listens on, as soon as there are any; Linux alone can do it.

    What is accepted inherits it (TCP_USER_TIMEOUT, tcp(7)). granian opens its sockets after the application has
    started, and shows them to nobody.
    """
    if not hasattr(socket, "TCP_USER_TIMEOUT") or not _OPEN_FILES.is_dir():
        return
    for _ in range(_LOOKS):
        found = list(_listening())
        for each in found:
            with each:
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(UNTAKEN_WITHIN_S * 1000))
        if found:
            return
        await asyncio.sleep(_LOOKS_EVERY_S)


def _listening() -> Iterator[socket.socket]:
    """The sockets of this process that listen for TCP, each as a copy to close."""
    for each in _OPEN_FILES.iterdir():
        try:
            found = socket.socket(fileno=os.dup(int(each.name)))
        except OSError:  # no socket, or closed meanwhile
            continue
        is_tcp = found.family in (socket.AF_INET, socket.AF_INET6) and found.type == socket.SOCK_STREAM
        if is_tcp and found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            yield found
        else:
            found.close()
