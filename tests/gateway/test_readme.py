"""The README's transcript, run line by line against a server on an empty directory."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

README = (Path(__file__).parents[2] / "README.md").read_text()


def transcript() -> list[tuple[str, str]]:
    """Each command of the transcript with the answer printed under it, empty where there is none."""
    [block] = [block for block in re.findall(r"```\n(.*?)```", README, re.DOTALL) if "$ curl" in block]
    steps = re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
    return [(command, answer.strip()) for command, _, answer in (step.partition("\n") for step in steps)]


def agrees(printed: str, answer: str) -> bool:
    """Whether the answer is what is printed, where `…` stands for anything."""
    return re.fullmatch(".*?".join(map(re.escape, printed.split("…"))), answer, re.DOTALL) is not None


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine")
def test_the_transcript_is_what_happens(server: tuple[str, Path]) -> None:
    address, said = server
    key, secret = (re.findall(rf"{name} +(\S+)", said.read_text())[0] for name in ("api_key", "api_secret"))
    script = "set -eu\n"
    for command, printed in transcript():
        mine = command.replace("http://127.0.0.1:8890", address).replace("ak_…", key).replace("as_…", secret)
        script += f"{mine}\n" + ("printf '\\0'\n" if printed else "")
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, env=os.environ, timeout=60)
    assert done.returncode == 0, done.stderr
    wanted = [printed for _, printed in transcript() if printed]
    answers = done.stdout.split("\0")[:-1]
    assert len(answers) == len(wanted)
    for printed, answer in zip(wanted, answers, strict=True):
        parsed: Any = json.loads(answer)
        assert agrees(printed, answer), (printed, parsed)


def test_every_page_it_sends_one_to_is_there() -> None:
    root = Path(__file__).parents[2]
    for target in re.findall(r"\]\((?!http)([^)#]+)", README):
        assert (root / target).exists(), target
