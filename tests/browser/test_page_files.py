"""The pages and their files as HTTP answers; no browser needed."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar import Litestar, get
from litestar.response import Response
from litestar.testing import TestClient

from gateway import pages
from gateway.pages import WEB, asset_files, graphiql_page, page_routes

STATIC = "/graphql/static/"


@get("/graphql", sync_to_thread=False)
def explorer() -> Response[bytes]:
    return graphiql_page()


@pytest.fixture
def client() -> Iterator[TestClient[Litestar]]:
    with TestClient(Litestar([explorer, *page_routes("packaged")], openapi_config=None)) as client:
        yield client


@pytest.mark.parametrize("path", ["/graphql", "/v1/docs"])
def test_a_page_runs_no_script_but_our_own(client: TestClient[Litestar], path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["vary"] == "Accept"
    policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["connect-src"] == "'self'"
    assert re.findall(r"<script(?![^>]* src=)", answer.text) == []


@pytest.mark.parametrize("path", ["/graphql", "/v1/docs"])
def test_every_file_a_page_names_is_there(client: TestClient[Litestar], path: str) -> None:
    named = re.findall(r'(?:src|href)="(/graphql/static/[^"]+)"', client.get(path).text)
    assert len(named) >= 3
    assert {name: client.get(name).status_code for name in named} == dict.fromkeys(named, 200)


def test_every_module_that_ours_import_is_there(client: TestClient[Litestar]) -> None:
    imported = [
        (name, client.get(STATIC + "web/" + name).status_code)
        for source in WEB.glob("*.js")
        for name in re.findall(r"from '\./([^']+)'", source.read_text())
    ]
    assert imported
    assert [name for name, status in imported if status != 200] == []


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("web/answer.css", "text/css; charset=utf-8"),
        ("web/session.js", "text/javascript; charset=utf-8"),
        ("web/icon.svg", "image/svg+xml"),
        ("ui/graphiql.js", "text/javascript; charset=utf-8"),
        ("ui/vendor/swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
    ],
)
def test_a_file_says_what_it_is(client: TestClient[Litestar], name: str, media_type: str) -> None:
    answer = client.get(STATIC + name)
    assert answer.headers["content-type"] == media_type
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-cache"


def test_a_file_that_did_not_change_is_not_sent_again(client: TestClient[Litestar]) -> None:
    first = client.get(STATIC + "web/answer.css")
    again = client.get(
        STATIC + "web/answer.css", headers={"If-None-Match": f'"other", {first.headers["etag"]}'}
    )
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]


def test_text_is_compressed_for_who_takes_it(client: TestClient[Litestar]) -> None:
    plain = client.get(STATIC + "web/answer.css", headers={"Accept-Encoding": "identity"})
    packed = client.get(STATIC + "web/answer.css", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content == (WEB / "answer.css").read_bytes()
    assert packed.headers["etag"] != plain.headers["etag"]
    assert int(packed.headers["content-length"]) < len(gzip.decompress(gzip.compress(plain.content)))


@pytest.mark.parametrize(
    "name",
    [
        "web/../pages.py",
        "web/%2e%2e/pages.py",
        "../pages.py",
        "%2fetc/passwd",
        "web/graphiql.html",  # a page, and it would come without its policy
        "ui/vendor/swagger-ui-bundle.js.map",
        "web",
        "",
        "web/nothing.js",
    ],
)
def test_nothing_else_can_be_asked_for(client: TestClient[Litestar], name: str) -> None:
    assert client.get(STATIC + name).status_code == 404


def test_built_files_are_taken_when_they_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "BUILT", tmp_path)
    assert "ui/vendor/graphiql.min.js" in asset_files("auto")
    with pytest.raises(FileNotFoundError, match="make frontend"):
        asset_files("built")

    (tmp_path / "assets").mkdir()
    (tmp_path / "graphiql.js").write_text("built")
    (tmp_path / "assets" / "part-Dx3f.js").write_text("part")

    files = asset_files("auto")
    assert files["ui/graphiql.js"] == tmp_path / "graphiql.js"
    assert "ui/vendor/graphiql.min.js" not in files
    with TestClient(Litestar(page_routes("built"), openapi_config=None)) as client:
        assert client.get(STATIC + "ui/graphiql.js").headers["cache-control"] == "no-cache"
        assert "immutable" in client.get(STATIC + "ui/assets/part-Dx3f.js").headers["cache-control"]


def test_a_rebuilt_file_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "BUILT", tmp_path)
    built = tmp_path / "graphiql.js"
    built.write_text("first")
    with TestClient(Litestar(page_routes("built"), openapi_config=None)) as client:
        assert client.get(STATIC + "ui/graphiql.js").text == "first"
        built.write_text("second")
        assert client.get(STATIC + "ui/graphiql.js").text == "second"


def test_without_the_packages_the_pages_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "BUILT", tmp_path)
    monkeypatch.setattr(pages, "find_spec", lambda _name: None)
    assert {name.split("/")[0] for name in asset_files("auto")} == {"web"}
    with pytest.raises(FileNotFoundError, match="graphene-django-graphiql-static"):
        asset_files("packaged")
