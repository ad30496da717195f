"""The bill of materials that `make sbom` writes names what the lock installs, and nothing else."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.structure.sources import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def written() -> dict[str, Any]:
    """The document about the Python packages."""
    if shutil.which("make") is None:
        pytest.skip("no make here")
    done = subprocess.run(["make", "sbom"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    document: dict[str, Any] = json.loads((ROOT / "dist" / "answer.cdx.json").read_text())
    return document


def test_it_lists_every_locked_package_of_this_machine(written: dict[str, Any]) -> None:
    lock = re.findall(r"^([^#\s][^\\\n]*)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    wanted = [Requirement(line.strip()) for line in lock]
    locked = {
        (canonicalize_name(each.name), str(each.specifier).removeprefix("=="))
        for each in wanted
        if each.marker is None or each.marker.evaluate()
    }
    listed = {(canonicalize_name(each["name"]), each["version"]) for each in written["components"]}
    assert listed == locked


def test_it_says_what_answer_itself_asks_for(written: dict[str, Any]) -> None:
    assert (written["bomFormat"], written["metadata"]["component"]["name"]) == ("CycloneDX", "oui-answer")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = {canonicalize_name(Requirement(each).name) for each in project["dependencies"]}
    [own] = [each for each in written["dependencies"] if each["ref"] == "root-component"]
    assert {canonicalize_name(each.split("==")[0]) for each in own["dependsOn"]} == asked


def test_the_pages_have_one_of_their_own(written: dict[str, Any]) -> None:
    assert written
    if shutil.which("npm") is None:
        pytest.skip("no npm here")
    pages = json.loads((ROOT / "dist" / "answer-pages.cdx.json").read_text())
    assert {"graphiql", "react", "vite"} <= {each["name"] for each in pages["components"]}
