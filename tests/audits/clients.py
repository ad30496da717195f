"""The clients that the runners bring: npm packages beside them, and Python packages in an environment of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

RUNNERS: Final = Path(__file__).with_name("runners")
NODE_MODULES: Final = RUNNERS / "node_modules"
VENV: Final = RUNNERS / "venv"
NPM: Final = ("npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--legacy-peer-deps")
# --legacy-peer-deps: graphql-schema-linter asks for an older graphql than the others, and runs with theirs


def install() -> None:
    """Install what is not there yet. Raises CalledProcessError when a client cannot be had."""
    if not (NODE_MODULES / ".package-lock.json").exists():  # npm writes it last
        subprocess.run([*NPM, "--ignore-scripts"], cwd=RUNNERS, check=True)
    if not (VENV / "installed").exists() and not VENV.is_symlink():
        uv = str(Path(sys.executable).with_name("uv"))
        subprocess.run([uv, "venv", "-q", "--clear", "--python", sys.executable, str(VENV)], check=True)
        into = ["-q", "--python", str(VENV / "bin" / "python")]
        subprocess.run([uv, "pip", "install", *into, "-r", str(RUNNERS / "requirements.txt")], check=True)
        (VENV / "installed").touch()


def command(runner: str) -> list[str]:
    """What starts this runner."""
    program = {".mjs": "node", ".py": str(VENV / "bin" / "python"), ".sh": "bash"}[Path(runner).suffix]
    return [program, str(RUNNERS / runner)]
