"""The documents an operator registers: how they are read, and how a start refuses what cannot run."""

import hashlib
import json
import subprocess
from pathlib import Path

import pytest

from gateway.settings import Settings, SettingsError
from gateway.trusted_documents import trusted_documents
from schema.execution import Graph
from schema.root import schema
from tests.processes import ANSWER

INBOX = "query Inbox($n: Int) { tickets(first: $n) { nodes { id subject } } }\n"
VIEWER = "{ viewer { id } }"
DOCUMENTS = Graph(schema).documents


def texts(path: Path) -> dict[str, str]:
    settings = Settings(trusted_documents="only", trusted_documents_path=path)
    found = trusted_documents(settings, DOCUMENTS)
    assert found.mode == "only"
    return dict(found.texts)


def hashes(text: str) -> tuple[str, str]:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return digest, f"sha256:{digest}"


def written(path: Path, told: object) -> Path:
    path.write_text(told if isinstance(told, str) else json.dumps(told))
    return path


def test_a_folder_names_its_documents_by_their_hash(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    written(tmp_path / "inbox.graphql", INBOX)
    written(tmp_path / "deep" / "viewer.gql", VIEWER)
    written(tmp_path / "README.md", "not one")
    assert texts(tmp_path) == dict.fromkeys(hashes(INBOX), INBOX) | dict.fromkeys(hashes(VIEWER), VIEWER)


def test_a_file_of_ids_and_texts(tmp_path: Path) -> None:
    told = {"inbox.v1": INBOX, hashes(VIEWER)[1]: VIEWER}
    found = texts(written(tmp_path / "persisted.json", told))
    assert found == {"inbox.v1": INBOX} | dict.fromkeys(hashes(INBOX), INBOX) | dict.fromkeys(
        hashes(VIEWER), VIEWER
    )


def test_the_manifest_of_apollo(tmp_path: Path) -> None:
    operation = {"id": hashes(VIEWER)[0], "name": "Viewer", "type": "query", "body": VIEWER}
    told = {"format": "apollo-persisted-query-manifest", "version": 1, "operations": [operation]}
    assert texts(written(tmp_path / "manifest.json", told)) == dict.fromkeys(hashes(VIEWER), VIEWER)


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({}, "holds no document"),
        ([INBOX], "holds no object"),
        ("{", "is not JSON"),
        ({"a": 5}, "are texts"),
        ({"": VIEWER}, "are texts"),
        ({"x" * 201: VIEWER}, "at most 200 characters"),
        ({"sha256:0": VIEWER}, "is not the SHA-256 of its document"),
        ({hashes(VIEWER)[0]: INBOX, "viewer": VIEWER}, "two documents have the id"),
        ({"format": "apollo-persisted-query-manifest", "version": 2, "operations": []}, "version 1"),
        (
            {"a": "{ nope }"},
            "a: Cannot query field 'nope' on type 'Query'. Did you mean 'node' or 'nodes'? (line 1)",
        ),
        ({"a": "{"}, "a: Syntax Error"),
        ({"a": "fragment F on Ticket { id }"}, 'a: Fragment "F" is never used'),
        ({"a": "{ " + " ".join(f"a{i}: viewer {{ id }}" for i in range(31)) + " }"}, "and at most 20 are"),
    ],
)
def test_what_cannot_run_is_refused_by_name(tmp_path: Path, told: object, why: str) -> None:
    with pytest.raises(SettingsError) as refused:
        texts(written(tmp_path / "documents.json", told))
    assert "ANSWER_TRUSTED_DOCUMENTS_PATH" in str(refused.value)
    assert why.replace('"', "'") in str(refused.value).replace('"', "'")


def test_every_faulty_document_is_named_at_once(tmp_path: Path) -> None:
    told = {"good": VIEWER, "bad": "{ nope }", "worse": "{"}
    with pytest.raises(SettingsError) as refused:
        texts(written(tmp_path / "documents.json", told))
    assert [line.split(":")[0].strip() for line in str(refused.value).splitlines()[1:]] == ["bad", "worse"]


def test_a_place_must_be_named_and_be_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="say where the documents are"):
        trusted_documents(Settings(trusted_documents="allow"), DOCUMENTS)
    with pytest.raises(SettingsError, match="cannot be read"):
        texts(tmp_path / "nowhere.json")
    with pytest.raises(SettingsError, match="holds no document"):
        texts(tmp_path)


def test_off_reads_nothing(tmp_path: Path) -> None:
    settings = Settings(trusted_documents_path=tmp_path / "nowhere")
    assert trusted_documents(settings, DOCUMENTS).texts == {}


def run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*ANSWER, *arguments], env=environment, capture_output=True, text=True, timeout=60)


def test_answer_documents_check(environment: dict[str, str], tmp_path: Path) -> None:
    path = written(tmp_path / "documents.json", {"inbox": INBOX, "bad": "{ nope }"})
    done = run(environment, "documents", "check", str(path))
    assert done.returncode == 1
    assert "ok    inbox  inbox: Inbox costs 21" in done.stdout
    assert "FAIL  bad  bad: Cannot query field 'nope' on type 'Query'. Did you mean" in done.stdout
    fine = written(tmp_path / "fine.json", {"inbox": INBOX})
    assert (
        run(environment | {"ANSWER_TRUSTED_DOCUMENTS_PATH": str(fine)}, "documents", "check").returncode == 0
    )


def test_a_start_with_a_faulty_document_is_refused(environment: dict[str, str], tmp_path: Path) -> None:
    path = written(tmp_path / "documents.json", {"bad": "{ nope }"})
    told = {"ANSWER_TRUSTED_DOCUMENTS": "only", "ANSWER_TRUSTED_DOCUMENTS_PATH": str(path)}
    done = run(environment | told, "serve")
    assert done.returncode == 1
    assert "bad: Cannot query field 'nope'" in done.stderr
    assert "Traceback" not in done.stderr
