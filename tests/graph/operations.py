"""The operations of the frontend, as its files have them."""

import re
from pathlib import Path

FOLDER = Path(__file__).parent / "operations"


def operation(file: str) -> str:
    """The document in a file of the folder."""
    return (FOLDER / f"{file}.graphql").read_text()


def mutations() -> dict[str, str]:
    """Every mutation by its name."""
    parts = re.split(r"(?m)^(?=mutation )", operation("mutations"))[1:]
    return {part.split("(", 1)[0].removeprefix("mutation ").strip(): part for part in parts}
