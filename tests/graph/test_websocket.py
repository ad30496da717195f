"""GraphQL over WebSocket: the graphql-transport-ws protocol on /graphql."""

from collections.abc import Iterator
from typing import Any

import pytest
from litestar.exceptions import WebSocketDisconnect
from litestar.testing import TestClient

from gateway.graphql import websocket
from tests.graph import protocol_app
from tests.graph.protocol_app import small_app

PROTOCOL = ["graphql-transport-ws"]
ACK = {"type": "connection_ack"}


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient[Any]]:
    with TestClient(small_app()) as client:
        yield client


@pytest.fixture
def token(client: TestClient[Any]) -> str:
    return str(client.app.state.helpdesk.token())


@pytest.fixture
def ws(client: TestClient[Any], token: str) -> Iterator[Any]:
    """A connection that has signed in."""
    with client.websocket_connect("/graphql", subprotocols=PROTOCOL) as ws:
        ws.send_json({"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}})
        assert ws.receive_json() == ACK
        yield ws


def subscribe(ws: Any, query: str, name: str = "1", **members: Any) -> None:
    ws.send_json({"id": name, "type": "subscribe", "payload": {"query": query, **members}})


def closed(ws: Any) -> tuple[int, str | None]:
    """The close code and reason with which the server ends the conversation."""
    with pytest.raises(WebSocketDisconnect) as end:
        ws.receive_json(timeout=5)
    return end.value.code, end.value.detail


class TestOperations:
    def test_a_query_is_a_next_and_a_complete(self, ws: Any) -> None:
        subscribe(ws, "{role}")
        assert ws.receive_json() == {"id": "1", "type": "next", "payload": {"data": {"role": "agent"}}}
        assert ws.receive_json() == {"id": "1", "type": "complete"}

    def test_a_mutation_too(self, ws: Any) -> None:
        subscribe(ws, "mutation($t:String!){touch(text:$t)}", variables={"t": "é"})
        assert ws.receive_json() == {"id": "1", "type": "next", "payload": {"data": {"touch": "é"}}}
        assert ws.receive_json() == {"id": "1", "type": "complete"}

    def test_the_operation_is_picked_by_name(self, ws: Any) -> None:
        subscribe(ws, "query A{role} query B{waits}", operationName="B")
        assert ws.receive_json()["payload"] == {"data": {"waits": "waited"}}

    def test_an_id_is_free_again_after_its_complete(self, ws: Any) -> None:
        for _ in range(3):
            subscribe(ws, "{role}", name="same")
            assert [ws.receive_json()["type"], ws.receive_json()["type"]] == ["next", "complete"]

    def test_every_operation_has_a_context_of_its_own(self, ws: Any) -> None:
        before = len(protocol_app.OPENED)
        for name in ("1", "2"):
            subscribe(ws, "{role}", name)
            ws.receive_json()
            ws.receive_json()
        assert len(set(map(id, protocol_app.OPENED[before:]))) == 2

    def test_a_slow_operation_holds_no_other_up(self, ws: Any) -> None:
        subscribe(ws, "{waitsLong}", "slow")
        subscribe(ws, "{role}", "quick")
        assert ws.receive_json()["id"] == "quick"

    def test_complete_stops_an_operation_and_frees_its_id(self, ws: Any) -> None:
        subscribe(ws, "{waitsLong}")
        ws.send_json({"id": "1", "type": "complete"})
        ws.send_json({"id": "unknown", "type": "complete"})
        subscribe(ws, "{role}")
        assert ws.receive_json() == {"id": "1", "type": "next", "payload": {"data": {"role": "agent"}}}

    @pytest.mark.parametrize(
        ("query", "code"),
        [
            ("{", "GRAPHQL_PARSE_FAILED"),
            ("{nope}", "GRAPHQL_VALIDATION_FAILED"),
            ("query($n:Int!){echo(number:$n)}", "VALIDATION_ERROR"),
            ("{" + "role " * 21 + "}", "QUERY_TOO_COMPLEX"),
            ("query A{role} query B{role}", "OPERATION_RESOLUTION_FAILURE"),
        ],
    )
    def test_request_errors_are_an_error_message(self, ws: Any, query: str, code: str) -> None:
        subscribe(ws, query)
        message = ws.receive_json()
        assert (message["id"], message["type"]) == ("1", "error")
        assert [error["extensions"]["code"] for error in message["payload"]] == [code]
        subscribe(ws, "{role}")
        assert ws.receive_json()["type"] == "next"

    def test_field_errors_are_in_the_next(self, ws: Any) -> None:
        subscribe(ws, "{forbidden}")
        payload = ws.receive_json()["payload"]
        assert payload["data"] == {"forbidden": None}
        assert payload["errors"][0]["extensions"] == {"code": "FORBIDDEN"}

    def test_a_twenty_first_operation_at_once_is_refused(self, ws: Any) -> None:
        for number in range(21):
            subscribe(ws, "{waitsLong}", str(number))
        message = ws.receive_json()
        assert (message["id"], message["type"]) == ("20", "error")
        assert message["payload"][0]["extensions"] == {"code": "RATE_LIMIT_EXCEEDED"}


class TestSignIn:
    @pytest.mark.parametrize(
        "payload",
        [
            {"Authorization": "Bearer {}"},
            {"authorization": "Bearer {}"},
            {"token": "{}"},
            {"token": "Bearer {}"},
            {"headers": {"Authorization": "Bearer {}"}},
        ],
    )
    def test_the_token_comes_with_the_connection_init(
        self, client: TestClient[Any], token: str, payload: dict[str, Any]
    ) -> None:
        def filled(value: Any) -> Any:
            return (
                {k: filled(v) for k, v in value.items()} if isinstance(value, dict) else value.format(token)
            )

        with client.websocket_connect("/graphql", subprotocols=PROTOCOL) as ws:
            ws.send_json({"type": "connection_init", "payload": filled(payload)})
            assert ws.receive_json() == ACK
            subscribe(ws, "{role}")
            assert ws.receive_json()["payload"] == {"data": {"role": "agent"}}

    def test_or_in_the_header(self, client: TestClient[Any], token: str) -> None:
        headers = {"authorization": f"Bearer {token}"}
        with client.websocket_connect("/graphql", subprotocols=PROTOCOL, headers=headers) as ws:
            ws.send_json({"type": "connection_init"})
            assert ws.receive_json() == ACK
            subscribe(ws, "{role}")
            assert ws.receive_json()["payload"] == {"data": {"role": "agent"}}

    def test_without_a_token_only_the_schema_is_open(self, client: TestClient[Any]) -> None:
        with client.websocket_connect("/graphql", subprotocols=PROTOCOL) as ws:
            ws.send_json({"type": "connection_init", "payload": {}})
            assert ws.receive_json() == ACK
            subscribe(ws, "{__typename}")
            assert ws.receive_json()["payload"] == {"data": {"__typename": "Query"}}
            assert ws.receive_json()["type"] == "complete"
            subscribe(ws, "{role}")
            assert ws.receive_json() == {
                "id": "1",
                "type": "error",
                "payload": [
                    {
                        "message": "Invalid or missing authentication token",
                        "extensions": {"code": "UNAUTHORIZED"},
                    }
                ],
            }

    def test_a_bad_token_is_4403(self, client: TestClient[Any]) -> None:
        with client.websocket_connect("/graphql", subprotocols=PROTOCOL) as ws:
            ws.send_json({"type": "connection_init", "payload": {"token": "nonsense"}})
            assert closed(ws) == (4403, "Forbidden")

    def test_the_end_of_the_token_is_4403(self, client: TestClient[Any]) -> None:
        short = client.app.state.helpdesk.token(lifetime_s=2)
        with client.websocket_connect("/graphql", subprotocols=PROTOCOL) as ws:
            ws.send_json({"type": "connection_init", "payload": {"token": short}})
            assert ws.receive_json() == ACK
            subscribe(ws, "{waitsLong}")
            assert closed(ws) == (4403, "Token expired")


class TestRules:
    @pytest.mark.parametrize(
        ("frame", "reason"),
        [
            ("[]", "Invalid message: an object with a `type` is wanted"),
            ("1", "Invalid message: an object with a `type` is wanted"),
            ("null", "Invalid message: an object with a `type` is wanted"),
            ('"x"', "Invalid message: an object with a `type` is wanted"),
            ("{}", "Invalid message: an object with a `type` is wanted"),
            ('{"type":1}', "Invalid message: an object with a `type` is wanted"),
            ("{", "Invalid message: not JSON"),
            ("", "Invalid message: not JSON"),
            ("[" * 20_000, "Invalid message: not JSON"),
            ('{"type":"start"}', "Invalid message type"),
            ('{"type":"connection_terminate"}', "Invalid message type"),
            ('{"type":"subscribe","payload":{"query":"{role}"}}', "Invalid message: `id` must be a string"),
            ('{"type":"subscribe","id":1,"payload":{}}', "Invalid message: `id` must be a string"),
            ('{"type":"subscribe","id":"","payload":{}}', "Invalid message: `id` must be a string"),
            ('{"type":"subscribe","id":"1"}', "Invalid message: `payload` must hold a `query`"),
            ('{"type":"subscribe","id":"1","payload":[]}', "Invalid message: `payload` must hold a `query`"),
            (
                '{"type":"subscribe","id":"1","payload":{"query":1}}',
                "Invalid message: `payload` must hold a `query`",
            ),
            ('{"type":"complete"}', "Invalid message: `id` must be a string"),
        ],
    )
    def test_what_is_no_message_is_4400(self, ws: Any, frame: str, reason: str) -> None:
        ws.send_text(frame)
        assert closed(ws) == (4400, reason)

    @pytest.mark.parametrize("frame", [b"{}", b"\xff\xfe"])
    def test_a_binary_frame_is_4400(self, ws: Any, frame: bytes) -> None:
        ws.send_bytes(frame)
        assert closed(ws) == (4400, "Invalid message: send text")

    def test_a_frame_of_more_than_a_mebibyte_is_1009(self, ws: Any) -> None:
        ws.send_json({"type": "ping", "payload": "x" * (1 << 20)})
        assert closed(ws) == (1009, "Message too large")

    def test_subscribing_before_the_acknowledgement_is_4401(self, client: TestClient[Any]) -> None:
        with client.websocket_connect("/graphql", subprotocols=PROTOCOL) as ws:
            subscribe(ws, "{__typename}")
            assert closed(ws) == (4401, "Unauthorized")

    def test_no_connection_init_in_time_is_4408(
        self, client: TestClient[Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(websocket, "INIT_DEADLINE_S", 0.05)
        with client.websocket_connect("/graphql", subprotocols=PROTOCOL) as ws:
            assert closed(ws) == (4408, "Connection initialisation timeout")

    def test_an_id_in_use_is_4409(self, ws: Any) -> None:
        subscribe(ws, "{waitsLong}", "a")
        subscribe(ws, "{role}", "a")
        assert closed(ws) == (4409, "Subscriber for a already exists")

    def test_a_second_connection_init_is_4429(self, ws: Any) -> None:
        ws.send_json({"type": "connection_init"})
        assert closed(ws) == (4429, "Too many initialisation requests")

    @pytest.mark.parametrize("offered", [[], ["graphql-ws"], ["soap"]])
    def test_another_subprotocol_is_4406(self, client: TestClient[Any], offered: list[str]) -> None:
        with client.websocket_connect("/graphql", subprotocols=offered) as ws:
            assert closed(ws) == (4406, "Subprotocol not acceptable")

    def test_ours_is_picked_among_several(self, client: TestClient[Any]) -> None:
        offered = ["graphql-ws", "graphql-transport-ws"]
        with client.websocket_connect("/graphql", subprotocols=offered) as ws:
            assert ws.accepted_subprotocol == "graphql-transport-ws"

    def test_a_ping_is_answered_even_before_the_init(self, client: TestClient[Any]) -> None:
        with client.websocket_connect("/graphql", subprotocols=PROTOCOL) as ws:
            ws.send_json({"type": "ping"})
            assert ws.receive_json() == {"type": "pong"}
            ws.send_json({"type": "pong"})
            ws.send_json({"type": "ping", "payload": {"at": 1}})
            assert ws.receive_json() == {"type": "pong"}
