"""The wheel: built, installed into a fresh environment beside a stranger called `schema`, and run."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.structure.sources import PACKAGES, ROOT

pytestmark = pytest.mark.slow

# A published package whose name our folder has, too.
STRANGER = """schema==0.7.8 \\
    --hash=sha256:00bd977fadc7d9521bf289850cd8a8aa5f4948f575476b8daaa5c1b57af2dce1 \\
    --hash=sha256:e86cc08edd6fe6e2522648f4e47e3a31920a76e82cce8937535422e310862ab5
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out), cwd=ROOT)
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of an environment with our wheel, what it is locked to, and the stranger."""
    folder = tmp_path_factory.mktemp("fresh")
    stranger = folder / "stranger.txt"
    stranger.write_text(STRANGER)
    uv, python = str(Path(sys.executable).with_name("uv")), folder / "venv" / "bin" / "python"
    run(uv, "venv", "-q", "--python", sys.executable, str(folder / "venv"), cwd=folder)
    install = [uv, "pip", "install", "-q", "--python", str(python)]
    run(*install, "--require-hashes", "-r", str(ROOT / "requirements.lock"), "-r", str(stranger), cwd=folder)
    run(*install, "--no-deps", str(wheel), cwd=folder)
    return python.parent


def test_it_puts_nothing_but_its_own_name_on_the_path(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.split("/")[0] for name in names} == {
        "oui_answer",
        f"{wheel.name.rsplit('-', 3)[0]}.dist-info",
    }
    assert {f"oui_answer/app/{package}/__init__.py" for package in PACKAGES} <= set(names)


def test_its_command_runs(environment: Path, tmp_path: Path) -> None:
    assert "serve" in run(str(environment / "answer"), "--help", cwd=tmp_path)


def test_its_schema_is_ours_and_the_strangers_stays_the_strangers(environment: Path, tmp_path: Path) -> None:
    assert run(str(environment / "answer"), "schema", cwd=tmp_path) == (ROOT / "schema.graphql").read_text()
    theirs = run(
        str(environment / "python"),
        "-c",
        "import schema; print(schema.Schema(int).validate(1))",
        cwd=tmp_path,
    )
    assert theirs == "1\n"


def test_its_migrations_come_along(environment: Path, tmp_path: Path) -> None:
    run("env", f"ANSWER_DATA_DIR={tmp_path}", str(environment / "answer"), "migrate", cwd=tmp_path)
    assert any(path.stat().st_size for path in tmp_path.iterdir())


def run(*command: str, cwd: Path) -> str:
    """What a command prints on stdout. A failure shows what it wrote on stderr."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout
