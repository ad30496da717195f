"""Builds the browser pages into gateway/static before a wheel is made, where that can be done."""

from __future__ import annotations

import contextlib
import subprocess
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class BrowserPages(BuildHookInterface[Any]):
    """Runs `make frontend`. An editable install is left alone: there it is the developer's to run."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the pages, or warn that this wheel has only the older, pip-only ones. Never fails."""
        if version == "editable":
            return
        if not make_frontend(self.root):
            self.app.display_warning("The browser pages were not built: this wheel has the older ones.")


def make_frontend(root: str) -> bool:
    """Run `make frontend`. False when it failed (it has said why), or when there is no make."""
    with contextlib.suppress(OSError):
        return subprocess.run(["make", "frontend"], check=False, cwd=root).returncode == 0
    return False
