"""Attacks on the wire, against a real `answer serve`: what is malformed is refused, what is slow takes nobody's place."""

import contextlib
import resource
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.processes import Installation

HOST: Final = b"Host: answer.test\r\n"
JSON: Final = b"Content-Type: application/json\r\n"
CHUNKED: Final = b"Transfer-Encoding: chunked\r\n"
END: Final = b"0\r\n\r\n"
LISTENS: Final = "0A"
"""The state of a socket that listens, in /proc/net/tcp."""
SMUGGLED: Final = b"GET /smuggled HTTP/1.1\r\n" + HOST + b"\r\n"
MALFORMED: Final = {
    "two lengths": HOST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "a list of lengths": HOST + b"Content-Length: 2, 2\r\n\r\n{}",
    "a length with a sign": HOST + b"Content-Length: +2\r\n\r\n{}",
    "a negative length": HOST + b"Content-Length: -2\r\n\r\n{}",
    "a length in hexadecimal": HOST + b"Content-Length: 0x2\r\n\r\n{}",
    "an unknown coding": HOST + b"Transfer-Encoding: xchunked\r\n\r\n" + END + SMUGGLED,
    "chunked is not the last coding": HOST + b"Transfer-Encoding: chunked, identity\r\n\r\n" + END,
    "a space before the colon": HOST + b"Transfer-Encoding : chunked\r\n\r\n" + END + SMUGGLED,
    "a folded header": HOST + b"X: a\r\n b\r\n\r\n",
    "a NUL in a header": HOST + b"X: a\x00b\r\n\r\n",
    "a bare CR in a header": HOST + b"X: a\rY: b\r\n\r\n",
    "no host": b"\r\n",
    "two hosts": HOST + HOST + b"\r\n",
    "a size that is none": HOST + JSON + CHUNKED + b"\r\nzz\r\n{}\r\n" + END,
    "a size with a sign": HOST + JSON + CHUNKED + b"\r\n+2\r\n{}\r\n" + END,
    "a size that overflows": HOST + JSON + CHUNKED + b"\r\nfffffffffffffffff\r\n{}\r\n" + END,
    "a second chunk that is none": HOST + JSON + CHUNKED + b"\r\n2\r\n{}\r\nXYZ\r\n\r\n",
    "a chunk longer than its size": HOST + JSON + CHUNKED + b"\r\n2\r\n{}xx\r\n" + END,
}
TOO_LARGE: Final = {
    "a header of a megabyte": HOST + b"X: " + b"a" * 1_000_000 + b"\r\n\r\n",
    "five thousand headers": HOST + b"".join(b"X-%d: a\r\n" % n for n in range(5000)) + b"\r\n",
}
FORM: Final = b"Content-Type: multipart/form-data; boundary=b\r\n"
EARLY: Final = {
    "an upload that is not signed in": (b"/v1/tickets/1/attachments", FORM, 401),
    "a ticket that is not signed in": (b"/v1/tickets", JSON, 401),
    "a path that is none": (b"/v1/nothing", JSON, 404),
    "a method that is none": (b"/health", JSON, 405),
    "a ticket that is too large": (b"/v1/tickets", b"%(token)s" + JSON, 413),
    "another media type": (b"/v1/tickets", b"%(token)sContent-Type: text/plain\r\n", 415),
    "an operation that is too large": (b"/graphql", b"%(token)s" + JSON, 413),
    "an operation of another media type": (b"/graphql", b"%(token)sContent-Type: text/plain\r\n", 415),
}


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A running server."""
    found = Installation(tmp_path_factory.mktemp("attacked"), ANSWER_SQLITE_DURABLE="off")
    with found.serving():
        yield found


@pytest.fixture(scope="module")
def token(installation: Installation) -> str:
    """Of an admin."""
    return installation.token(installation.key())


@contextlib.contextmanager
def connected(installation: Installation) -> Iterator[socket.socket]:
    """A connection."""
    with socket.create_connection(("127.0.0.1", installation.port), timeout=20) as connection:
        yield connection


def said_to(installation: Installation, sent: bytes) -> bytes:
    """All that is answered until the server closes the connection."""
    with connected(installation) as connection:
        with contextlib.suppress(ConnectionError):  # it may close before it has heard everything
            connection.sendall(sent)
        heard = b""
        with contextlib.suppress(ConnectionError):
            while some := connection.recv(65536):
                heard += some
        return heard


def one_answer(connection: socket.socket) -> bytes:
    """The next answer on the connection, head and body."""
    heard = b""
    while b"\r\n\r\n" not in heard:
        heard += connection.recv(65536)
    head, _, body = heard.partition(b"\r\n\r\n")
    [length] = [int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"content-length:")]
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def status(heard: bytes) -> int:
    """The status of the only answer."""
    assert heard.count(b"HTTP/1.1 ") == 1, heard
    return int(heard.split()[1])


@pytest.mark.parametrize("path", [b"/graphql", b"/v1/auth/token"], ids=["graphql", "rest"])
@pytest.mark.parametrize("rest", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_two_servers_could_read_differently_is_refused(
    installation: Installation, path: bytes, rest: bytes
) -> None:
    head = b"POST " + path + b" HTTP/1.1\r\nConnection: close\r\n"
    assert status(said_to(installation, head + rest)) == 400


@pytest.mark.parametrize("path", [b"/graphql", b"/v1/auth/token"], ids=["graphql", "rest"])
def test_a_length_beside_chunks_smuggles_nothing(installation: Installation, path: bytes) -> None:
    """RFC 9112, 6.3: the chunks count, and the connection ends with the answer."""
    head = b"POST " + path + b" HTTP/1.1\r\n" + HOST + JSON + CHUNKED + b"Content-Length: 6\r\n\r\n"
    body = b'{"query":"{__typename}"}'
    heard = said_to(installation, head + b"%x\r\n%b\r\n" % (len(body), body) + END + SMUGGLED)
    assert heard.count(b"HTTP/1.1 ") == 1, heard
    assert b"smuggled" not in heard


@pytest.mark.parametrize("rest", TOO_LARGE.values(), ids=TOO_LARGE.keys())
def test_a_flood_of_headers_is_refused(installation: Installation, rest: bytes) -> None:
    assert status(said_to(installation, b"GET /health HTTP/1.1\r\n" + rest)) == 431


def test_an_endless_address_is_refused(installation: Installation) -> None:
    asked = b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n"
    assert status(said_to(installation, asked)) in (414, 431)


def test_http_2_is_not_spoken(installation: Installation) -> None:
    """Its headers and streams would have limits of their own."""
    heard = said_to(installation, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00" * 9)
    assert not heard.startswith(b"\x00"), heard


@pytest.mark.parametrize("path", ["/graphql", "/v1/tickets", "/v1/auth/token", "/v1/webhooks", "/v1/users"])
def test_a_body_over_the_limit_is_refused_everywhere(
    installation: Installation, token: str, path: str
) -> None:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    answer = httpx.post(installation.base + path, content=b" " * (1024 * 1024 + 1), headers=headers)
    assert answer.status_code == 413, answer.text


@pytest.mark.parametrize("case", EARLY)
def test_who_is_refused_before_they_have_said_all_is_told_so_and_may_go_on(
    installation: Installation, token: str, case: str
) -> None:
    path, headers, expected = EARLY[case]
    signed = headers % {b"token": b"Authorization: Bearer " + token.encode() + b"\r\n"}
    body = b" " * (3_000_000 if expected != 415 else 1_000_000)
    head = b"POST " + path + b" HTTP/1.1\r\n" + HOST + signed + b"Content-Length: %d\r\n\r\n" % len(body)
    with connected(installation) as connection:
        for _ in range(2):
            connection.sendall(head + body)
            assert status(one_answer(connection)) == expected
        connection.sendall(b"GET /health HTTP/1.1\r\n" + HOST + b"\r\n")
        assert status(one_answer(connection)) == 200


def test_who_waits_to_be_told_is_told_and_sends_nothing(installation: Installation) -> None:
    head = (
        b"POST /v1/tickets HTTP/1.1\r\n"
        + HOST
        + JSON
        + b"Content-Length: 3000000\r\nExpect: 100-continue\r\n\r\n"
    )
    with connected(installation) as connection:
        connection.sendall(head)
        heard = one_answer(connection)
        assert status(heard) == 401
        assert b"connection: close" in heard
        assert connection.recv(1) == b""


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"GET /health HTTP/1.1\r\n",
        b"POST /graphql HTTP/1.1\r\n" + HOST + JSON + b"Content-Length: 99\r\n\r\n{",
    ],
    ids=["nothing", "half a head", "half a body"],
)
def test_a_thousand_connections_that_say_nothing_take_nobodys_place(
    installation: Installation, begun: bytes
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))
    with contextlib.ExitStack() as stack:
        for _ in range(1100):
            stack.enter_context(connected(installation)).sendall(begun)
        assert httpx.get(f"{installation.base}/health", timeout=20).status_code == 200


def test_a_connection_that_says_nothing_is_closed(installation: Installation) -> None:
    with connected(installation) as connection:
        connection.settimeout(60)
        assert connection.recv(1) == b""


def held(installation: Installation) -> int:
    """Connections to the server that it has not let go of."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    states = [line[3] for line in lines if int(line[1].partition(":")[2], 16) == installation.port]
    return len([state for state in states if state != LISTENS])


IMPATIENT: Final = """
import gateway.overload, gateway.stalled
gateway.overload.READS_WITHIN_S = gateway.stalled.UNTAKEN_WITHIN_S = 1.0
from oui_answer import main
main()
"""


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="Linux alone ends such connections")
def test_who_takes_nothing_of_an_answer_is_let_go(tmp_path: Path) -> None:
    """The workers are forked, so that they are as impatient."""
    installation = Installation(
        tmp_path, program=[sys.executable, "-c", IMPATIENT], ANSWER_SQLITE_DURABLE="off"
    )
    with installation.serving(), contextlib.ExitStack() as stack:
        headers = {"Authorization": f"Bearer {installation.token(installation.key())}"}
        with httpx.Client(base_url=installation.base, headers=headers, timeout=30) as http:
            for _ in range(100):  # six megabytes in all: more than a system keeps for one connection
                ticket = {"subject": "x", "content": "x" * 60_000, "requester_email": "ada@acme.test"}
                assert http.post("/v1/tickets", json=ticket).status_code == 201
        path = f"GET /v1/tickets?per_page=100 HTTP/1.1\r\nAuthorization: {headers['Authorization']}\r\n"
        for _ in range(15):
            stack.enter_context(connected(installation)).sendall(path.encode() + HOST + b"\r\n")
        deadline = time.monotonic() + 60
        while held(installation) < 15:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        while held(installation):
            assert time.monotonic() < deadline, held(installation)
            time.sleep(0.2)
        whole = httpx.get(f"{installation.base}/v1/tickets?per_page=100", headers=headers, timeout=30)
        assert len(whole.json()["data"]) == 100


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
)
@pytest.mark.parametrize("path", ["/graphql", "/v1/auth/token", "/v1/tickets"])
def test_what_a_page_can_send_without_asking_is_not_taken(
    installation: Installation, path: str, media_type: str
) -> None:
    """The three media types for which browsers send no preflight (the Fetch standard)."""
    body = b'{"query": "mutation { tokenCreate(apiKey: \\"a\\", apiSecret: \\"b\\") { token } }"}'
    answer = httpx.post(installation.base + path, content=body, headers={"Content-Type": media_type})
    assert answer.status_code in (400, 401, 415)
    assert "access-control-allow-origin" not in answer.headers


def test_cookies_and_addresses_sign_nobody_in(installation: Installation, token: str) -> None:
    for sent in (
        {"cookies": {"token": token, "Authorization": f"Bearer {token}"}},
        {"params": {"token": token}},
    ):
        answer = httpx.get(f"{installation.base}/v1/tickets", **sent)  # type: ignore[arg-type]  # one or the other
        assert answer.status_code == 401


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        ("/graphql", "*/*"),
        ("/graphql", "text/html"),
        ("/graphql/schema", "*/*"),
        ("/v1/tickets", "*/*"),
        ("/v1/docs", "*/*"),
        ("/v1/openapi.json", "*/*"),
        ("/health", "*/*"),
        ("/nowhere", "*/*"),
    ],
)
def test_every_answer_says_that_it_is_what_it_says(
    installation: Installation, path: str, accept: str
) -> None:
    answer = httpx.get(installation.base + path, headers={"Accept": accept})
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers.get_list("server") == ["answer"]
    if answer.headers["content-type"].startswith("text/html"):
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


def test_the_log_holds_no_trace_of_all_that(installation: Installation) -> None:
    assert "Traceback" not in installation.said
