"""A hundred things that nobody sends in good faith, against a real `answer serve`: none is a fault of ours, hangs,
tells of the inside, or leaves half a write behind.
"""

import contextlib
import json
import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import httpx
import pytest

from tests.processes import Installation

WITHIN_S: Final = 20.0
WRITES: Final = ("test_text_comes_back", "test_of_twenty_at_once")
TICKET: Final = {"subject": "x", "content": "x", "requester_email": "ada@acme.test"}
INSIDE: Final = re.compile(
    r"Traceback|File \"|sqlite3|sqlalchemy|asyncpg|litestar|strawberry\.|granian::|\.py\b"
)
DEEP: Final = 100_000
OPEN, CLOSE = b"[" * DEEP, b"]" * DEEP

JSON_BODIES: Final = {
    "lists nested 100,000 deep": OPEN + CLOSE,
    "lists that never end": OPEN,
    "objects nested 100,000 deep": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "a subject nested 100,000 deep": b'{"subject":' + OPEN + CLOSE + b"}",
    "a number past every float": b'{"subject": 1e999999}',
    "a number with 400,000 digits": b'{"assigned_to": ' + b"9" * 400_000 + b"}",
    "a fraction with 400,000 digits": b'{"assigned_to": 0.' + b"9" * 400_000 + b"}",
    "minus nothing": b'{"assigned_to": -}',
    "minus zero": b'{"assigned_to": -0}',
    "Infinity": b'{"assigned_to": Infinity}',
    "NaN": b'{"assigned_to": NaN}',
    "a leading zero": b'{"assigned_to": 007}',
    "64 bits and one": b'{"assigned_to": 9223372036854775808}',
    "128 bits": b'{"assigned_to": 340282366920938463463374607431768211456}',
    "the largest float": b'{"assigned_to": 1.7976931348623157e308}',
    "half a surrogate pair": rb'{"subject": "\ud800", "content": "x", "requester_email": "a@b.test"}',
    "the other half": rb'{"subject": "a\udc00b", "content": "x", "requester_email": "a@b.test"}',
    "a NUL": rb'{"subject": "a\u0000b", "content": "x", "requester_email": "a@b.test"}',
    "a NUL in a name": rb'{"subj\u0000ect": "x"}',
    "a raw NUL": b'{"subject": "a\x00b"}',
    "half a surrogate pair in a name": rb'{"\ud800": "x"}',
    "bytes that are no UTF-8": b'{"subject": "\xff\xfe"}',
    "overlong UTF-8": b'{"subject": "\xc0\xaf"}',
    "surrogates in UTF-8": b'{"subject": "\xed\xa0\x80"}',
    "UTF-16": '{"subject": "x"}'.encode("utf-16"),
    "a byte order mark": b'\xef\xbb\xbf{"subject": "x"}',
    "two values": b"{}{}",
    "a comment": b'{"subject": "x" /* here */}',
    "a trailing comma": b'{"subject": "x",}',
    "single quotes": b"{'subject': 'x'}",
    "nothing": b"",
    "spaces": b" " * 500_000,
    "null": b"null",
    "a list": b"[]",
    "a string": b'"x"',
    "true": b"true",
    "100,000 names": b"{" + b",".join(b'"n%d":1' % n for n in range(60_000)) + b"}",
    "100,000 equal names": b"{" + b",".join([b'"subject":"x"'] * 60_000) + b"}",
    "a prototype": b'{"__proto__": {"isAdmin": true}, "constructor": {}, "__class__": "x"}',
    "a list where text belongs": b'{"subject": ["x"], "content": {"a": 1}, "requester_email": 7}',
    "60,000 tags": b'{"tags": [' + b",".join([b'"a"'] * 60_000) + b"]}",
    "metadata 1,000 deep": b'{"metadata": ' + b'{"a":' * 1000 + b"1" + b"}" * 1000 + b"}",
}
"""Sent to every route that takes JSON. None of them is a ticket, an operation or a sign-in."""
JSON_PATHS: Final = ("/v1/tickets", "/v1/tickets/1/replies", "/v1/auth/token", "/v1/webhooks", "/graphql")

QUERY_STRINGS: Final = (
    "page=0",
    "page=-1",
    "page=1.5",
    "page=1e3",
    "page=٣",
    "page=99999999999999999999999999999999",
    "page=9223372036854775807",
    "page=9223372036854775807&per_page=100",
    "per_page=0",
    "per_page=-5",
    "per_page=101",
    "per_page=",
    "page=1&page=2",
    "status=open&status=closed",
    "page[]=1",
    "page[$gt]=0",
    "status=%00",
    "status=%ff%fe",
    "status=%",
    "status=%zz",
    "status=%u0041",
    "search=%ed%a0%80",
    "search=%00",
    "search=" + "%22" * 3000,
    "search=" + "a%20" * 5000,
    "search=" + "*" * 1000,
    "search=%27%20OR%201=1--",
    "search=NEAR(a%20b,%205)",
    "search=%22unfinished",
    "search=a%22b*%5E%28%29%7B%7D:-%2B",
    "sort=created_at;drop",
    "sort=-created_at",
    "sort=__class__",
    "created_after=0000-00-00",
    "created_after=9999-12-31T23:59:59Z",
    "created_after=10000-01-01",
    "created_after=-0001-01-01T00:00:00Z",
    "created_after=2024-02-30",
    "created_after=2024-01-01T24:00:00Z",
    "created_after=2016-12-31T23:59:60Z",
    "created_after=2024-01-01T00:00:00%2B99:99",
    "created_after=2024-01-01T00:00:00%2B23:59",
    "created_after=0001-01-01T00:00:00%2B23:59",
    "created_before=9999-12-31T23:59:59-23:59",
    "from_date=0001-01-01&to_date=9999-12-31",
    "from_date=9999-12-31&to_date=0001-01-01",
    "assigned_to=99999999999999999999999999999999999999",
    "assigned_to=-1",
    "assigned_to=%F0%9F%98%80",
    "tags=" + ",".join(["a"] * 5000),
    "&&&==&=&a",
    ";".join(["a=1"] * 1000),
    "&".join(f"p{n}=1" for n in range(5000)),
)
LISTS: Final = (
    "tickets",
    "users",
    "organizations",
    "categories",
    "stats/overview",
    "stats/agents",
    "tickets/1/replies",
)

IDS: Final = (
    *("0", "-1", "1.0", "1e3", "٣", "0x1", "+1", "1_0", "1%00", "%00", "%ff", "NaN", "tkt_1", "null"),
    *(
        "9" * 30,
        "9223372036854775807",
        "9223372036854775808",
        "9" * 5000,
        "1%2F..%2F2",
        "..%2F..%2Fetc%2Fpasswd",
    ),
    *("1;drop", "1'", "%F0%9F%98%80", "%E2%80%AE1", " 1", "1%20"),
)

PATHS: Final = (
    *(
        "//v1/tickets",
        "/v1//tickets",
        "/v1/tickets/",
        "/v1/./tickets",
        "/v1/../v1/tickets",
        "/v1/tickets/../tickets",
    ),
    *(
        "/V1/TICKETS",
        "/v1/tickets;a=b",
        "/v1/tickets%2F1",
        "/v1%2Ftickets",
        "/v1/tickets%00",
        "/v1/tickets/%2e%2e",
    ),
    *(
        "/graphql/",
        "//graphql",
        "/graphql/static/../../settings.py",
        "/graphql/static/%2e%2e/%2e%2e/settings.py",
    ),
    *(
        "/graphql/static//etc/passwd",
        "/graphql/static/..%5c..%5csettings.py",
        "/%ff%fe",
        "/%",
        "/%zz",
        "/\xe4",
    ),
    *("/v1/attachments/1/download/../../2", "/.git/config", "/.env", "/" + "a/" * 5000, "/" + "%2e" * 5000),
    *(
        "/v1/tickets#fragment",
        "/v1/tickets?" + "a" * 50_000,
        "http://elsewhere.test/v1/tickets",
        "*",
        "/v1/tickets\t",
    ),
)

HEADERS: Final = {
    "50,000 tags to compare with": b"If-None-Match: " + b'"a",' * 12_000 + b"\r\n",
    "1,000 ranges": b"Range: bytes=" + b",".join(b"%d-%d" % (n, n + 1) for n in range(1000)) + b"\r\n",
    "a range of 30 digits": b"Range: bytes=0-" + b"9" * 30 + b"\r\n",
    "ranges of another unit": b"Range: lines=0-5\r\n",
    "2,000 media types": b"Accept: " + b", ".join(b"a/b%d;q=0.1" % n for n in range(2000)) + b"\r\n",
    "a weight that is none": b"Accept: application/json;q=nan, */*;q=1e9\r\n",
    "no media type": b"Accept: ;;;,,,/\r\n",
    "a weight of 5,000 digits": b"Accept: */*;q=0." + b"9" * 5000 + b"\r\n",
    "a token of 50 KB": b"Authorization: Bearer " + b"a" * 50_000 + b"\r\n",
    "a token with dots": b"Authorization: Bearer " + b"." * 50_000 + b"\r\n",
    "a token in Latin-1": b"Authorization: Bearer \xe4\xf6\xfc\r\n",
    "a token of another scheme": b"Authorization: Basic YTpi\r\n",
    "no token": b"Authorization: Bearer\r\n",
    "an empty header": b"Authorization:\r\n",
    "two tokens": b"Authorization: Bearer a\r\nAuthorization: Bearer b\r\n",
    "a token of deep JSON": b"Authorization: Bearer eyJhbGciOiJub25lIn0." + b"W1tb" * 10_000 + b".\r\n",
    "a wrong length": b"X-Forwarded-For: " + b"1.2.3.4, " * 2000 + b"\r\n",
    "an upgrade to nothing": b"Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n",
    "half a WebSocket": b"Connection: Upgrade\r\nUpgrade: websocket\r\n",
    "a WebSocket of another version": b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 99\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
    "dates that are none": b"If-Modified-Since: yesterday\r\nIf-Range: tomorrow\r\n",
    "a method in a header": b"X-HTTP-Method-Override: DELETE\r\n",
    "encodings that nobody has": b"Accept-Encoding: " + b"zstd;q=0.5, " * 2000 + b"gzip;q=x\r\n",
    "a cookie of 50 KB": b"Cookie: " + b"a=b; " * 10_000 + b"\r\n",
    "an expectation": b"Expect: 100-continue\r\n",
    "an expectation of nothing": b"Expect: the-unexpected\r\n",
    "an origin of 50 KB": b"Origin: https://" + b"a" * 50_000 + b"\r\n",
}

GRAPHQL: Final = {
    "an alias of 10,000 letters": "{ " + "a" * 10_000 + ": __typename }",
    "braces that never close": "{" * 5000,
    "a string that never ends": '{ ticket(id: "',
    "a block string that never ends": '{ ticket(id: """',
    "a number of 10,000 digits": "{ ticket(id: " + "9" * 10_000 + ") { id } }",
    "an exponent": "{ tickets(first: 1e999999) { totalCount } }",
    "negative pages": "{ tickets(first: -1) { totalCount } }",
    "first of 64 bits": "{ tickets(first: 9223372036854775807) { totalCount } }",
    "a cursor of nothing": '{ tickets(first: 1, after: "") { totalCount } }',
    "a cursor of garbage": '{ tickets(first: 1, after: "!!!!") { totalCount } }',
    "a cursor of deep lists": '{ tickets(first: 1, after: "' + "W1tb" * 2000 + '") { totalCount } }',
    "ids of nothing": '{ nodes(ids: ["", "_", "tkt_", "tkt_-1", "tkt_1e3", "tkt_' + "9" * 40 + '"]) { id } }',
    "an id of digits of another script": '{ ticket(id: "tkt_\u0663") { id } }',
    "half a surrogate pair": r'{ ticket(id: "\ud800") { id } }',
    "a NUL": r'{ ticket(id: "\u0000") { id } }',
    "a fragment of itself": "{ ...F } fragment F on Query { ...F }",
    "fragments in a circle": "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
    "3,000 fragments": "{ __typename } "
    + " ".join(f"fragment F{n} on Query{{__typename}}" for n in range(400)),
    "a directive many times": "{ __typename " + "@skip(if: false) " * 500 + "}",
    "a variable of itself": "query($a: Int = $a) { tickets(first: $a) { totalCount } }",
    "1,000 variables": "query(" + " ".join(f"$v{n}: Int" for n in range(1000)) + ") { __typename }",
    "a filter 100 deep": "{ tickets(filter: " + "{and: [" * 100 + "]}" * 100 + ") { totalCount } }",
    "a control character": "{ \x07 __typename }",
    "a byte order mark": "\ufeff{ __typename }",
    "a subscription to nothing": "subscription { nothing }",
    "a schema": "type Query { a: Int }",
    "all of it in introspection": "{ __schema { types { fields { type { fields { type { fields { type { name }}}}}}}}}",
    "a search for operators": '{ tickets(filter: {search: "NEAR(\\" * ^ ( ) { } : - + AND OR NOT"}) { totalCount } }',
    "dates past the calendar": '{ tickets(filter: {createdAt: {gte: "9999-12-31T23:59:59-23:59"}}) { totalCount } }',
    "dates before it": '{ tickets(filter: {createdAt: {lt: "0001-01-01T00:00:00+23:59"}}) { totalCount } }',
    "a day that is none": '{ stats(fromDate: "2024-02-30") { __typename } }',
}

VARIABLES: Final = {
    "deep": {"v": json.loads("[" * 200 + "]" * 200)},
    "text for a number": {"first": "1"},
    "a float for a number": {"first": 1.5},
    "a large number": {"first": 2**63},
    "a list for a number": {"first": [1]},
    "no such variable": {"nothing": 1},
    "a name of another language": {"\u202e": 1},
    "an empty name": {"": 1},
}

METHODS: Final = (
    "HEAD",
    "OPTIONS",
    "TRACE",
    "CONNECT",
    "PUT",
    "DELETE",
    "PATCH",
    "PROPFIND",
    "get",
    "G" * 5000,
    "PRI",
)

TEXTS: Final = (
    "\u202e\u2066evil\u2069",  # right to left, and isolates
    "e\u0301" * 100,
    "Z\u0351\u036b\u0343\u036a\u0302" * 30,
    "\U0001f468\u200d\U0001f469\u200d\U0001f467" * 10,
    "\ufeff\u200b\u2060",
    "\ufffe\uffff",
    "\x01\x02\x1b[31m\x7f",
    "a\u2028b\u2029c",
    "{{7*7}}${7*7}<%= 7*7 %>",
    "'; DROP TABLE ticket; --",
    "=cmd|' /C calc'!A0",
    "%s%n%x{0}{__class__}",
    "../../etc/passwd",
    "\r\nBcc: everybody@acme.test",
)


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A running server with a ticket."""
    found = Installation(tmp_path_factory.mktemp("abused"), ANSWER_SQLITE_DURABLE="off")
    with found.serving():
        yield found
        assert "Traceback" not in found.said, found.said[-4000:]
        assert "internal error" not in found.said


@pytest.fixture(scope="module")
def http(installation: Installation) -> Iterator[httpx.Client]:
    """An admin's client."""
    headers = {"Authorization": f"Bearer {installation.token(installation.key())}"}
    with httpx.Client(base_url=installation.base, headers=headers, timeout=WITHIN_S) as client:
        assert client.post("/v1/tickets", json=TICKET).status_code == 201
        yield client


@pytest.fixture(scope="module")
def unwritten(http: httpx.Client) -> int:
    """How many tickets there are before and after everything that is refused."""
    return count(http)


@pytest.fixture(autouse=True)
def nothing_changes(http: httpx.Client, unwritten: int, request: pytest.FixtureRequest) -> Iterator[None]:
    """There are as many tickets after a test as before, unless it is one that writes; those come last."""
    yield
    if not request.function.__name__.startswith(WRITES):
        assert count(http) == unwritten


def count(http: httpx.Client) -> int:
    """How many tickets there are."""
    total: int = http.get("/v1/tickets").json()["pagination"]["total"]
    return total


def refused(answer: httpx.Response) -> None:
    """It is the client's fault, in the words of its door."""
    assert 400 <= answer.status_code < 500, (answer.status_code, answer.text[:300])
    sane(answer)


def sane(answer: httpx.Response) -> None:
    """No fault of ours, and no word of the inside."""
    assert answer.status_code < 500, (answer.status_code, answer.text[:300])
    assert not INSIDE.search(answer.text), answer.text[:500]


def said_to(installation: Installation, sent: bytes) -> bytes:
    """The beginning of what is answered to raw bytes."""
    with socket.create_connection(("127.0.0.1", installation.port), timeout=WITHIN_S) as connection:
        with contextlib.suppress(ConnectionError):  # it may close before it has heard everything
            connection.sendall(sent)
        heard = b""
        with contextlib.suppress(ConnectionError):
            while b"\r\n\r\n" not in heard and (some := connection.recv(65536)):
                heard += some
        return heard


def told(heard: bytes) -> int:
    """The status of a raw answer; 400 for a connection that was closed without a word."""
    if not heard:
        return 400
    assert heard.startswith(b"HTTP/1.1 "), heard[:200]
    assert not INSIDE.search(heard.decode("latin-1").replace("server: granian", "")), heard[:500]
    return int(heard.split()[1])


@pytest.mark.parametrize("path", JSON_PATHS)
@pytest.mark.parametrize("body", JSON_BODIES.values(), ids=JSON_BODIES.keys())
def test_a_body_that_is_nothing_is_refused(http: httpx.Client, path: str, body: bytes) -> None:
    refused(http.post(path, content=body, headers={"Content-Type": "application/json"}))


@pytest.mark.parametrize("path", LISTS)
def test_no_query_string_is_a_fault_of_ours(http: httpx.Client, path: str) -> None:
    for asked in QUERY_STRINGS:
        sane(http.get(f"/v1/{path}?{asked}"))


@pytest.mark.parametrize("noun", ["tickets", "users", "organizations", "categories", "webhooks", "api-keys"])
def test_an_id_that_is_none_is_not_found(http: httpx.Client, noun: str) -> None:
    for id_ in IDS:
        for method in ("GET", "DELETE"):
            answer = http.request(method, f"/v1/{noun}/{id_}")
            assert answer.status_code in (404, 405), (method, id_, answer.status_code, answer.text[:200])
            sane(answer)


@pytest.mark.parametrize("path", PATHS)
def test_a_path_leads_nowhere_else(installation: Installation, path: str) -> None:
    asked = b"GET " + path.encode("latin-1") + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    heard = said_to(installation, asked)
    assert told(heard) < 500
    assert b"root:" not in heard
    assert b"ANSWER_" not in heard


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS.keys())
@pytest.mark.parametrize(
    "path", [b"/v1/tickets", b"/graphql?query=%7B__typename%7D", b"/health", b"/graphql/static/web/app.css"]
)
def test_a_header_is_no_fault_of_ours(installation: Installation, path: bytes, header: bytes) -> None:
    asked = b"GET " + path + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + header + b"\r\n"
    assert told(said_to(installation, asked)) < 500


@pytest.mark.parametrize(
    "path", ["/v1/tickets", "/graphql", "/health", "/metrics", "/v1/docs", "/nowhere", "*"]
)
@pytest.mark.parametrize("method", METHODS)
def test_a_method_is_no_fault_of_ours(installation: Installation, method: str, path: str) -> None:
    asked = f"{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode()
    assert told(said_to(installation, asked)) < 500


@pytest.mark.parametrize("document", GRAPHQL.values(), ids=GRAPHQL.keys())
def test_a_document_is_no_fault_of_ours(http: httpx.Client, document: str) -> None:
    body = json.dumps({"query": document})
    for accept in ("application/json", "application/graphql-response+json", "text/event-stream"):
        headers = {"Content-Type": "application/json", "Accept": accept}
        sane(http.post("/graphql", content=body, headers=headers))
    sane(http.get("/graphql", params={"query": document}))


@pytest.mark.parametrize("variables", VARIABLES.values(), ids=VARIABLES.keys())
def test_variables_are_no_fault_of_ours(http: httpx.Client, variables: dict[str, Any]) -> None:
    document = "query($first: Int, $v: JSON) { tickets(first: $first) { totalCount } }"
    for query in (document, document.replace(", $v: JSON", "")):
        sane(http.post("/graphql", json={"query": query, "variables": variables}))


@pytest.mark.parametrize(
    "request_",
    [
        {"query": 1},
        {"query": None},
        {"query": ["{ __typename }"]},
        {"query": "{ __typename }", "variables": "x"},
        {"query": "{ __typename }", "operationName": 1},
        {"query": "{ __typename }", "extensions": []},
        {"extensions": {"persistedQuery": 1}},
        {"extensions": {"persistedQuery": {"sha256Hash": ["x"]}}},
        {"documentId": 1},
        {"documentId": "sha256:" + "0" * 100_000},
        [{"query": "{ __typename }"}] * 1000,
    ],
    ids=str,
)
def test_a_request_of_wrong_parts_is_refused(http: httpx.Client, request_: Any) -> None:
    refused(http.post("/graphql", json=request_))


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json; charset=utf-16", b"{}"),
        ("application/json; charset=" + "a" * 5000, b"{}"),
        ("application/json; charset", b"{}"),
        ("application/xml", b"<a/>"),
        ("application/x-www-form-urlencoded", b"subject=x"),
        ("text/plain", b"{}"),
        ("multipart/form-data", b""),
        ("multipart/form-data; boundary=", b""),
        ("multipart/form-data; boundary=" + "a" * 5000, b""),
        ('multipart/form-data; boundary="a\\"b"', b"--a"),
        ("/", b"{}"),
        ("\xe4/\xe4".encode("latin-1").decode("latin-1"), b"{}"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/tickets", "/graphql", "/v1/tickets/1/attachments"])
def test_another_media_type_is_refused(http: httpx.Client, path: str, kind: str, body: bytes) -> None:
    refused(http.post(path, content=body, headers=[(b"Content-Type", kind.encode("latin-1"))]))


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "gzip, gzip", "x" * 1000])
@pytest.mark.parametrize("path", ["/v1/tickets", "/graphql", "/v1/tickets/1/attachments"])
def test_a_body_in_a_coding_is_refused(http: httpx.Client, path: str, coding: str) -> None:
    headers = {"Content-Encoding": coding, "Content-Type": "application/json"}
    refused(http.post(path, content=b"\x1f\x8b\x08\x00" + b"\x00" * 100, headers=headers))


def form(*parts: bytes, boundary: bytes = b"b") -> bytes:
    """A form of these parts, each with its headers."""
    return (
        b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts) + b"--" + boundary + b"--\r\n"
    )


PART: Final = b'Content-Disposition: form-data; name="%b"%b\r\n\r\n%b'
FORMS: Final = {
    "10,000 parts": form(*(PART % (b"p%d" % n, b"", b"x") for n in range(10_000))),
    "10,000 files": form(*(PART % (b"f%d" % n, b'; filename="a"', b"x") for n in range(5_000))),
    "no name": form(b"Content-Disposition: form-data\r\n\r\nx"),
    "no headers": form(b"\r\nx"),
    "a header of 100 KB": form(b"X: " + b"a" * 100_000 + b"\r\n" + PART % (b"file", b'; filename="a"', b"x")),
    "10,000 headers": form(b"X: a\r\n" * 10_000 + PART % (b"file", b'; filename="a"', b"x")),
    "the file twice": form(*[PART % (b"file", b'; filename="a"', b"x")] * 2),
    "never ends": b"--b\r\n" + PART % (b"file", b'; filename="a"', b"x" * 1000),
    "a boundary alone": b"--b--",
    "boundaries alone": b"--b\r\n" * 10_000,
    "a form in a form": form(
        b'Content-Type: multipart/mixed; boundary=c\r\nContent-Disposition: form-data; name="file"\r\n\r\n--c'
    ),
    "a coding of its own": form(
        b"Content-Transfer-Encoding: base64\r\nX" + PART % (b"nothing", b"", b"eA==")
    ),
    "a NUL in its name": form(PART % (b"fi\x00le", b'; filename="a"', b"x")),
}


@pytest.mark.parametrize("body", FORMS.values(), ids=FORMS.keys())
@pytest.mark.parametrize("path", ["/v1/tickets/1/attachments", "/graphql"])
def test_a_form_that_is_none_is_refused(http: httpx.Client, path: str, body: bytes) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=b", "GraphQL-Require-Preflight": "1"}
    answer = http.post(path, content=body, headers=headers)
    refused(answer)
    assert http.get("/v1/tickets/1").json()["data"]["attachments"] == []


@pytest.mark.parametrize(
    "operations",
    [
        b"null",
        b"1",
        b'"x"',
        b"[]",
        b"{",
        b'{"query": 1}',
        b"[" * 50_000,
        b'{"query": "{ __typename }", "variables": 1}',
    ],
)
@pytest.mark.parametrize(
    "map_",
    [
        b"null",
        b"1",
        b"[]",
        b"{",
        b'{"0": 1}',
        b'{"0": [1]}',
        b'{"0": ["variables..x"]}',
        b'{"0": ["x"]}',
        b"[" * 50_000,
    ],
)
def test_an_upload_of_wrong_parts_is_refused(http: httpx.Client, operations: bytes, map_: bytes) -> None:
    body = form(
        PART % (b"operations", b"", operations),
        PART % (b"map", b"", map_),
        PART % (b"0", b'; filename="a"', b"x"),
    )
    headers = {"Content-Type": "multipart/form-data; boundary=b", "GraphQL-Require-Preflight": "1"}
    refused(http.post("/graphql", content=body, headers=headers))


RAW: Final = {
    "a flood of chunk extensions": b"".join(b"1;" + b"x=y;" * 500 + b"\r\n{\r\n" for _ in range(100))
    + b"0\r\n\r\n",
    "a chunk extension of a megabyte": b"1;" + b"x" * 1_000_000 + b"\r\n{\r\n0\r\n\r\n",
    "a flood of trailers": b"2\r\n{}\r\n0\r\n" + b"X: a\r\n" * 20_000 + b"\r\n",
    "chunks of a byte": b"1\r\n{\r\n" * 5000 + b"0\r\n\r\n",
    "zeros before a size": b"0" * 5000 + b"2\r\n{}\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("path", [b"/v1/tickets", b"/graphql"])
@pytest.mark.parametrize("body", RAW.values(), ids=RAW.keys())
def test_chunks_are_no_fault_of_ours(installation: Installation, path: bytes, body: bytes) -> None:
    head = (
        b"POST " + path + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\n"
    )
    assert 400 <= told(said_to(installation, head + b"Transfer-Encoding: chunked\r\n\r\n" + body)) < 500


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_text_comes_back_as_it_went_or_is_refused(http: httpx.Client, text: str) -> None:
    given = {
        "subject": text,
        "content": text,
        "requester_email": "ada@acme.test",
        "requester_name": text,
        "tags": [text],
    }
    before = count(http)
    answer = http.post("/v1/tickets", json=given)
    sane(answer)
    if answer.status_code != 201:
        refused(answer)
        assert count(http) == before
        return
    made = answer.json()["data"]
    assert (made["subject"].strip(), made["content"].strip()) == (text.strip(), text.strip())
    asked = {
        "query": "query($id: ID!) { ticket(id: $id) { subject content } }",
        "variables": {"id": made["id"]},
    }
    seen = http.post("/graphql", json=asked).json()["data"]["ticket"]
    assert seen == {"subject": made["subject"], "content": made["content"]}


@pytest.mark.parametrize(
    ("noun", "given"),
    [
        ("categories", {"name": "Billing", "slug": "billing"}),
        ("organizations", {"name": "Acme", "domain": "acme.example"}),
        ("users", {"name": "Ada", "email": "ada@race.test", "type": "customer"}),
    ],
)
def test_of_twenty_at_once_who_want_one_name_one_gets_it(
    http: httpx.Client, noun: str, given: dict[str, Any]
) -> None:
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: http.post(f"/v1/{noun}", json=given), range(20)))
    assert [each.status_code for each in answers].count(201) == 1
    assert {each.status_code for each in answers} <= {201, 400, 409}


def test_of_twenty_at_once_who_delete_one_thing_one_does(http: httpx.Client) -> None:
    id_ = http.post("/v1/tickets", json=TICKET).json()["data"]["id"]
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: http.delete(f"/v1/tickets/{id_}").status_code, range(20)))
    assert sorted(answers) == [200] + [404] * 19
