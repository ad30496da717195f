"""Deliveries: signed, tried again, given up, logged, sent once more (D29)."""

import asyncio
import json
import socket
from typing import Any

import pytest
from standardwebhooks import WebhookVerificationError

from gateway import delivery
from gateway.worker import AT_ONCE_A_QUEUE, Worker
from resolvers.context import Helpdesk
from resolvers.deliveries import Message, Result
from resolvers.jobs import RETRY_AFTER_S
from resolvers.webhooks import MASK
from tests.conftest import Clock, Joins, Person
from tests.doors import Door, RestDoor, opened
from tests.receiver import Receiver, working
from tests.rules.test_events import SECRET, listen


@pytest.fixture
def clock() -> Clock:
    """It begins now: the library that verifies looks at the real one."""
    from resolvers.context import utc_now  # noqa: PLC0415

    found = Clock()
    found.moment = utc_now()
    return found


@pytest.fixture
async def admin(helpdesk: Helpdesk, join: Joins) -> Person:
    """An admin whose token outlives the schedule of retries."""
    helpdesk.tokens.lifetime_s = 30 * 86_400
    return await join("admin")


async def test_a_delivery_is_signed_and_logged(
    door: Door, admin: Person, receiver: Receiver, worker: Worker
) -> None:
    webhook = await listen(door, admin, receiver, "ticket.created")
    ticket = await opened(door, admin)
    [waiting] = (await door.deliveries(admin, webhook)).done()
    assert (waiting["status"], waiting["attempts"], waiting["finished_at"]) == ("waiting", [], None)
    assert waiting["next_attempt_at"] == ticket["created_at"]
    await worker.drain()
    [hit] = receiver.hits
    assert hit.verified(SECRET.encode())["data"]["ticket"]["id"] == ticket["id"]
    with pytest.raises(WebhookVerificationError):
        hit.verified(b"another")
    assert hit.headers["content-type"] == "application/json"
    assert hit.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert SECRET not in str(hit)
    [logged] = (await door.deliveries(admin, webhook)).done()
    [attempt] = logged["attempts"]
    assert logged == waiting | {
        "status": "delivered",
        "request_body": hit.body.decode(),
        "attempt_count": 1,
        "attempts": [attempt],
        "next_attempt_at": None,
        "finished_at": attempt["created_at"],
    }
    assert (logged["event"], logged["message_id"]) == ("ticket.created", hit.id)
    assert attempt == {
        "number": 1,
        "url": receiver.url("/all"),
        "response_status": 200,
        "response_body": "plain",
        "error": None,
        "duration_ms": attempt["duration_ms"],
        "created_at": attempt["created_at"],
    }


async def test_a_secret_of_ours_signs_and_both_do_after_a_rotation(
    door: Door, admin: Person, receiver: Receiver, worker: Worker, clock: Clock
) -> None:
    given = {"url": receiver.url("/all"), "events": ["*"]}
    webhook = (await door.create(admin, "webhook", **given)).done()
    await door.test_webhook(admin, webhook["id"])
    await worker.drain()
    assert receiver.hits[0].verified(webhook["secret"])["type"] == "webhook.test"
    rotated = (await door.rotate_secret(admin, webhook["id"])).done()
    await door.test_webhook(admin, webhook["id"])
    await worker.drain()
    for secret in (webhook["secret"], rotated["secret"]):
        assert receiver.hits[1].verified(secret)
    assert len(receiver.hits[1].headers["webhook-signature"].split()) == 2
    clock.pass_(hours=24)
    await door.test_webhook(admin, webhook["id"])
    await worker.drain()
    assert len(receiver.hits[2].headers["webhook-signature"].split()) == 1


async def test_a_secret_that_is_set_anew_signs_alone_and_is_not_shown(
    door: Door, admin: Person, receiver: Receiver, worker: Worker
) -> None:
    webhook = await listen(door, admin, receiver, "*")
    changed = (await door.change(admin, "webhook", webhook, secret="another of my own")).done()
    assert changed["secret"] == MASK
    await door.test_webhook(admin, webhook)
    await worker.drain()
    [hit] = receiver.hits
    assert hit.verified(b"another of my own")["type"] == "webhook.test"
    assert len(hit.headers["webhook-signature"].split()) == 1
    with pytest.raises(WebhookVerificationError):
        hit.verified(SECRET.encode())


async def test_a_failure_is_tried_again_by_the_schedule_under_the_same_id(
    door: Door, admin: Person, receiver: Receiver, worker: Worker, clock: Clock
) -> None:
    receiver.plan["/all"] = [500]
    webhook = await listen(door, admin, receiver, "ticket.*")
    ticket = await opened(door, admin)
    await door.change_ticket(admin, ticket["id"], priority="high")
    for number, wait_s in enumerate(RETRY_AFTER_S, start=1):
        await worker.drain()
        assert len(receiver.hits) == number
        clock.pass_(seconds=wait_s - 1)
        await worker.drain()
        assert len(receiver.hits) == number, "It came too early."
        clock.pass_(seconds=wait_s * 0.1 + 1)
    receiver.plan["/all"] = [500, 200]
    await worker.drain()
    assert [hit.told["type"] for hit in receiver.hits] == ["ticket.created"] * 10 + ["ticket.updated"]
    assert len({hit.id for hit in receiver.hits}) == 2
    assert len({hit.body for hit in receiver.hits[:10]}) == 1
    second, first = (await door.deliveries(admin, webhook)).done()
    assert (first["status"], first["attempt_count"], len(first["attempts"])) == ("failed", 10, 10)
    assert second["status"] == "delivered"
    assert {each["response_status"] for each in first["attempts"]} == {500}
    assert (await door.one(admin, "webhook", webhook)).done()["failing_since"] is None


async def test_what_waits_behind_a_failure_goes_on_as_soon_as_it_is_done(
    door: Door, admin: Person, receiver: Receiver, worker: Worker, clock: Clock
) -> None:
    receiver.plan["/all"] = [503, 200]
    await listen(door, admin, receiver, "ticket.*")
    first, other = await opened(door, admin), await opened(door, admin)
    for priority in ("low", "high", "urgent"):
        await door.change_ticket(admin, first["id"], priority=priority)
    await worker.drain()
    of = [hit.told["data"]["ticket"]["id"] for hit in receiver.hits]
    assert sorted(of) == [first["id"], other["id"]], "Another ticket does not wait."
    clock.pass_(seconds=6)
    await worker.drain()
    versions = [
        hit.told["data"]["ticket"]["version"]
        for hit in receiver.hits
        if hit.told["data"]["ticket"]["id"] == of[0]
    ]
    assert versions == ([1, 1, 2, 3, 4] if of[0] == first["id"] else [1, 1])


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        (302, (302, "plain", None)),
        ("hang", (None, "", "no answer within 0.5 seconds")),
        ("garbage", (None, "", "illegal status line")),
        ("endless", (200, "\ufffd\ufffdx" * 341 + "\ufffd", None)),
        ("refused", (None, "", "All connection attempts failed")),
    ],
)
async def test_receivers_can_be_anything(
    plan: int | str,
    told: tuple[int | None, str, str | None],
    door: Door,
    admin: Person,
    receiver: Receiver,
    worker: Worker,
    monkeypatch: pytest.MonkeyPatch,
    unused_tcp_port: int,
) -> None:
    monkeypatch.setattr(delivery, "ANSWERS_WITHIN_S", 0.5)
    receiver.plan["/all"] = [plan]
    webhook = await listen(door, admin, receiver, "ticket.created")
    if plan == "refused":
        await door.change(admin, "webhook", webhook, url=f"http://127.0.0.1:{unused_tcp_port}/")
    await opened(door, admin)
    await worker.drain()
    assert receiver.at("/redirected") == []
    assert receiver.sent_bytes < 20_000_000, "The rest of the answer was read."
    [logged] = (await door.deliveries(admin, webhook)).done()
    [attempt] = logged["attempts"]
    status, body, error = told
    assert (attempt["response_status"], attempt["response_body"]) == (status, body)
    assert attempt["error"] == error or (error and attempt["error"].startswith(error))
    assert logged["status"] == ("delivered" if plan == "endless" else "waiting")
    failing_since = (await door.one(admin, "webhook", webhook)).done()["failing_since"]
    assert (failing_since is None) == (plan == "endless")


async def test_a_receiver_that_hangs_holds_up_nobody_else(
    door: Door, admin: Person, receiver: Receiver, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "ANSWERS_WITHIN_S", 6.0)
    receiver.plan["/slow"] = ["hang"]
    await listen(door, admin, receiver, "ticket.created", path="/slow")
    await listen(door, admin, receiver, "ticket.created", path="/fast")
    for _ in range(20):
        await opened(door, admin)
    drained = asyncio.create_task(worker.drain())
    await receiver.wait_for(20 + AT_ONCE_A_QUEUE)
    assert (len(receiver.at("/fast")), len(receiver.at("/slow"))) == (20, AT_ONCE_A_QUEUE)
    receiver.plan["/slow"] = [200]
    await drained
    assert len(receiver.at("/slow")) == 20


async def test_gone_is_gone_at_once(
    door: Door, admin: Person, receiver: Receiver, worker: Worker, clock: Clock
) -> None:
    receiver.plan["/all"] = [410]
    webhook = await listen(door, admin, receiver, "ticket.*")
    ticket = await opened(door, admin)
    await door.change_ticket(admin, ticket["id"], priority="high")
    await worker.drain()
    clock.pass_(days=2)
    await worker.drain()
    assert len(receiver.hits) == 1
    after = (await door.one(admin, "webhook", webhook)).done()
    assert (after["is_active"], after["disabled_reason"]) == (False, "It answered 410 Gone")
    states = [each["status"] for each in (await door.deliveries(admin, webhook)).done()]
    assert states == ["cancelled", "failed"]
    await opened(door, admin)
    assert len((await door.deliveries(admin, webhook)).done()) == 2
    receiver.plan["/all"] = [200]
    again = (await door.change(admin, "webhook", webhook, is_active=True)).done()
    assert (again["disabled_reason"], again["failing_since"]) == (None, None)
    await opened(door, admin)
    await worker.drain()
    assert (await door.deliveries(admin, webhook)).done()[0]["status"] == "delivered"


async def test_five_days_of_failures_switch_it_off(
    door: Door, admin: Person, receiver: Receiver, worker: Worker, clock: Clock
) -> None:
    receiver.plan["/all"] = [500]
    webhook = await listen(door, admin, receiver, "*")
    for _ in range(5):
        await door.test_webhook(admin, webhook)
        await worker.drain()
        assert (await door.one(admin, "webhook", webhook)).done()["is_active"] is True
        clock.pass_(days=1)
    await door.test_webhook(admin, webhook)
    await worker.drain()
    after = (await door.one(admin, "webhook", webhook)).done()
    assert after["is_active"] is False
    assert after["disabled_reason"].startswith("Every delivery failed since")


async def test_a_delivery_is_sent_again(
    door: Door, admin: Person, receiver: Receiver, worker: Worker
) -> None:
    webhook = await listen(door, admin, receiver, "ticket.created")
    await opened(door, admin)
    await worker.drain()
    [first] = (await door.deliveries(admin, webhook)).done()
    again = (await door.redeliver(admin, webhook, first["id"])).done()
    assert (again["message_id"], again["status"], again["id"] > first["id"]) == (
        first["message_id"],
        "waiting",
        True,
    )
    await worker.drain()
    assert [hit.id for hit in receiver.hits] == [first["message_id"]] * 2
    assert receiver.hits[0].body == receiver.hits[1].body
    receiver.plan["/all"] = [500, 200]
    await opened(door, admin)
    await worker.drain()
    [waiting, *_] = (await door.deliveries(admin, webhook)).done()
    hurried = (await door.redeliver(admin, webhook, waiting["id"])).done()
    assert hurried["id"] == waiting["id"]
    await worker.drain()
    [done, *_] = (await door.deliveries(admin, webhook)).done()
    assert (done["status"], done["attempt_count"]) == ("delivered", 2)
    assert (await door.redeliver(admin, webhook, 999_999)).code == "NOT_FOUND"


async def test_an_address_that_turned_private_is_not_connected_to(
    door: Door, admin: Person, receiver: Receiver, helpdesk: Helpdesk
) -> None:
    webhook = await listen(door, admin, receiver, "ticket.created")
    await door.change(admin, "webhook", webhook, url=f"http://localhost:{receiver.port}/all")
    await opened(door, admin)
    async with working(helpdesk, allows_private=False) as guarded:
        await guarded.drain()
    assert receiver.hits == []
    [logged] = (await door.deliveries(admin, webhook)).done()
    assert logged["attempts"][0]["error"] == "localhost is a private address"


@pytest.mark.parametrize(
    ("plan", "status", "error"),
    [
        ("drip", None, "no answer within 2 seconds"),
        ("headers", None, "Receive buffer too long"),
        ("hints", None, "no answer within 2 seconds"),
        ("drip of a body", 200, None),
    ],
)
async def test_receivers_that_never_end_hold_nothing_up(
    plan: str,
    status: int | None,
    error: str | None,
    helpdesk: Helpdesk,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(delivery, "ANSWERS_WITHIN_S", 2.0)
    monkeypatch.setattr(delivery, "BODY_WITHIN_S", 0.1)
    receiver.plan["/x"] = [plan]
    result = await sent_to(receiver.url("/x"), helpdesk, allows_private=True)
    assert result.status == status
    assert result.error == error
    assert len(result.answer) <= delivery.KEPT_BYTES
    assert receiver.sent_bytes < 20_000_000, "It was read on and on."


async def sent_to(url: str, helpdesk: Helpdesk, *, allows_private: bool) -> Result:
    """What came of sending something there."""
    sender = delivery.Sender(allows_private=allows_private, clock=helpdesk.clock)
    job: Any = None
    try:
        return await sender.send(Message(job, url, "msg_x", "{}", [b"key"], True))
    finally:
        await sender.close()


class Dns:
    """Answers for one name, one after the other; the last stays. Everything else is looked up as ever."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0
        self._really = socket.getaddrinfo

    def __call__(self, host: Any, port: Any, *args: Any, **options: Any) -> Any:
        if host != "hooks.acme.example":
            return self._really(host, port, *args, **options)
        self.asked += 1
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [
            (socket.AF_INET6 if ":" in each else socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port))
            for each in found
        ]


@pytest.mark.parametrize(
    "answers",
    [
        [["93.184.215.14"], ["127.0.0.1"]],  # public when it was saved
        [["93.184.215.14"], ["93.184.215.14", "127.0.0.1"]],  # one of several
        [["93.184.215.14"], ["127.0.0.1", "93.184.215.14"]],
        [["93.184.215.14"], ["::ffff:127.0.0.1"]],
        [["93.184.215.14"], ["64:ff9b::7f00:1"]],
    ],
)
async def test_a_name_that_is_bound_to_another_address_meanwhile_leads_nowhere(
    answers: list[list[str]],
    rest: RestDoor,
    admin: Person,
    helpdesk: Helpdesk,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", Dns(*answers))
    helpdesk.allows_private_addresses = False
    url = f"http://hooks.acme.example:{receiver.port}/all"
    webhook = (await rest.create(admin, "webhook", url=url, events=["*"])).done()["id"]
    await rest.test_webhook(admin, webhook)
    async with working(helpdesk, allows_private=False) as guarded:
        await guarded.drain()
    assert receiver.hits == []
    [logged] = (await rest.deliveries(admin, webhook)).done()
    assert logged["attempts"][0]["error"] == "hooks.acme.example is a private address"


async def test_the_address_that_was_checked_is_the_one_connected_to(
    helpdesk: Helpdesk, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second look at the name would find another address."""
    dns = Dns(["127.0.0.1"], ["203.0.113.1"])
    monkeypatch.setattr(socket, "getaddrinfo", dns)
    url = f"http://hooks.acme.example:{receiver.port}/all"
    assert (await sent_to(url, helpdesk, allows_private=True)).status == 200
    assert dns.asked == 1
    assert receiver.hits[0].headers["host"] == f"hooks.acme.example:{receiver.port}"


async def test_a_proxy_of_the_environment_is_not_asked(
    helpdesk: Helpdesk, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert (await sent_to(receiver.url("/x"), helpdesk, allows_private=True)).status == 200


async def test_a_deleted_webhook_is_told_nothing_more(
    door: Door, admin: Person, receiver: Receiver, worker: Worker
) -> None:
    webhook = await listen(door, admin, receiver, "ticket.created")
    await opened(door, admin)
    assert (await door.delete(admin, "webhook", webhook)).ok
    await worker.drain()
    assert receiver.hits == []


def test_a_signature_is_the_one_of_the_specification() -> None:
    """The example of the Standard Webhooks libraries."""
    from resolvers.webhooks import signing_key  # noqa: PLC0415

    key = signing_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = json.dumps({"test": 2432232314}).encode()
    told = delivery.signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert told == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
