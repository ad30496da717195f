"""What people are called and what they write, as TOML files beside this one."""

import tomllib
from pathlib import Path
from typing import Any, Final

SUBJECTS: Final = ("billing", "account", "shipping", "hardware", "product", "integrations", "other")
"""The files of topics."""


def read(name: str) -> dict[str, Any]:
    """One of the files."""
    return tomllib.loads((Path(__file__).parent / f"{name}.toml").read_text(encoding="utf-8"))
