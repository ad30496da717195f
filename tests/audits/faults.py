"""A server whose PostgreSQL is behind a proxy that cuts, slows and hangs connections as it is told."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from tests import services
from tests.audits.clients import RUNNERS
from tests.audits.helpdesk import Audited
from tests.processes import Installation, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROXY: Final = RUNNERS / "tcp_toxic.py"


@contextmanager
def served_behind_faults(folder: Path) -> Iterator[tuple[Audited, str]]:
    """The server, on an empty helpdesk, and the address that the proxy takes its orders at."""
    folder.mkdir()
    listens, control = free_port(), free_port()
    with services.postgres() as url:
        behind = urlsplit(url)
        ports = (str(port) for port in (listens, behind.port, control))
        proxy = subprocess.Popen([sys.executable, str(PROXY), *ports])
        try:
            database = behind._replace(netloc=f"{behind.username}@127.0.0.1:{listens}").geturl()
            installation = Installation(folder, database)
            with installation.serving():
                token = installation.token(installation.key())
                yield Audited(installation.base, token), f"http://127.0.0.1:{control}"
        finally:
            proxy.kill()
            proxy.wait()
