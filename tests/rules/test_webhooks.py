"""Webhooks: made, changed and read by admins; their secrets and addresses (D28, D29, D36)."""

import base64
from typing import Any

import pytest

from resolvers.context import Helpdesk
from resolvers.webhooks import MASK
from tests.conftest import Person, Sql
from tests.contents import Unchanged, contents
from tests.doors import Door

NEW = {"url": "https://hooks.acme.example/answer?a=1", "events": ["ticket.created", "reply.created"]}
NOT_AN_ADDRESS = "must be an http or https address"
PRIVATE = "must not be a private address"


async def test_a_new_webhook_shows_its_secret_once(door: Door, admin: Person, helpdesk: Helpdesk) -> None:
    given = NEW | {"secret": "your_webhook_secret"}
    made = await door.create(admin, "webhook", **given)
    webhook = made.done()
    assert webhook == NEW | {
        "id": webhook["id"],
        "is_active": True,
        "secret": "your_webhook_secret",
        "failing_since": None,
        "disabled_reason": None,
        "created_at": webhook["created_at"],
        "updated_at": webhook["created_at"],
    }
    if door.name == "rest":
        assert made.message == "Webhook created successfully"
    masked = webhook | {"secret": MASK}
    assert (await door.one(admin, "webhook", webhook["id"])).done() == masked
    assert (await door.list(admin, "webhook")).done() == [masked]
    changed = await door.change(admin, "webhook", webhook["id"], secret=MASK, is_active=False)
    assert (changed.done()["secret"], changed.done()["is_active"]) == (MASK, False)
    assert "your_webhook_secret" not in str(await contents(helpdesk.db))


async def test_a_secret_is_made_when_none_is_given_and_can_be_replaced(door: Door, admin: Person) -> None:
    webhook = (await door.create(admin, "webhook", **NEW)).done()
    assert len(base64.b64decode(webhook["secret"].removeprefix("whsec_"), validate=True)) == 32
    rotated = (await door.rotate_secret(admin, webhook["id"])).done()
    assert rotated["secret"] not in (webhook["secret"], MASK)
    assert rotated["secret"].startswith("whsec_")
    assert (await door.one(admin, "webhook", webhook["id"])).done()["secret"] == MASK


async def test_only_admins_have_to_do_with_webhooks(
    door: Door, admin: Person, agent: Person, customer: Person, stranger: Person, unchanged: Unchanged
) -> None:
    webhook = (await door.create(admin, "webhook", **NEW)).done()["id"]
    sent = (await door.test_webhook(admin, webhook)).done()["id"]
    for who, code in ((agent, "FORBIDDEN"), (customer, "FORBIDDEN"), (None, "UNAUTHORIZED")):
        async with unchanged():
            assert (await door.create(who, "webhook", **NEW)).code == code
            assert (await door.list(who, "webhook")).code == code
            assert await _codes(door, who, webhook, sent) == {code}
    async with unchanged():
        assert (await door.list(stranger, "webhook")).done() == []
        assert await _codes(door, stranger, webhook, sent) == {"NOT_FOUND"}


async def _codes(door: Door, who: Person | None, webhook: int, delivery: int) -> set[str | None]:
    """What somebody is told who does all there is to do with a webhook."""
    outcomes = (
        await door.one(who, "webhook", webhook),
        await door.change(who, "webhook", webhook, is_active=False),
        await door.delete(who, "webhook", webhook),
        await door.rotate_secret(who, webhook),
        await door.test_webhook(who, webhook),
        await door.deliveries(who, webhook),
        await door.redeliver(who, webhook, delivery),
    )
    return {outcome.code for outcome in outcomes}


async def test_everything_wrong_is_named_at_once(door: Door, admin: Person, unchanged: Unchanged) -> None:
    async with unchanged():
        assert set((await door.create(admin, "webhook", url="x", events=[])).wrong) == {"url", "events"}
        if door.name == "rest":  # the types of the graph say the same
            missing = {"url": "is required", "events": "is required"}
            assert (await door.create(admin, "webhook")).wrong == missing
            not_lists: tuple[Any, ...] = ("ticket.created", [1], {}, None)
            for bad in not_lists:
                refused = await door.create(admin, "webhook", **(NEW | {"events": bad}))
                assert set(refused.wrong) == {"events"}
        for events in (["nope"], ["ticket.created", ""], ["ticket.created"] * 99, ["TICKET.CREATED"]):
            refused = await door.create(admin, "webhook", **(NEW | {"events": events}))
            assert refused.code == "VALIDATION_ERROR"
            assert refused.wrong["events"].startswith("must only contain: ticket.created")
        for secret in ("whsec_", "whsec_!", "whsec_abc", MASK, "x" * 256):
            assert set((await door.create(admin, "webhook", **NEW, secret=secret)).wrong) == {"secret"}
        for nothing in ("9" * 23, 0, -1, 999_999, "abc"):
            assert (await door.one(admin, "webhook", nothing)).code == "NOT_FOUND"
            assert (await door.change(admin, "webhook", nothing, is_active=True)).code == "NOT_FOUND"
            assert (await door.delete(admin, "webhook", nothing)).code == "NOT_FOUND"
            assert (await door.test_webhook(admin, nothing)).code == "NOT_FOUND"
            assert (await door.rotate_secret(admin, nothing)).code == "NOT_FOUND"
            assert (await door.deliveries(admin, nothing)).code == "NOT_FOUND"


ADDRESSES = {
    NOT_AN_ADDRESS: (
        "file:///etc/passwd",
        "gopher://127.0.0.1:70/",
        "ftp://example.com/",
        "127.0.0.1",
        "javascript:alert(1)",
        "http://",
        "http://exa mple.com/",
        "http://example.com:99999/",
        "http://example.com:0/",
        "http://example.com:65536/",
        "http://①②⑦.0.0.1/",
        "http://[fe80::1%25eth0]/",
    ),
    "must not contain credentials": (
        "http://a@example.com/",
        "http://a:b@example.com/",
        "http://example.com\\@127.0.0.1/",
    ),
    PRIVATE: (
        "http://127.0.0.1:22/",
        "http://localhost/",
        "http://0.0.0.0/",
        "http://[::1]/",
        "http://[::]/",
        "http://169.254.169.254/latest/meta-data",
        "http://10.0.0.1/",
        "http://172.16.0.1/",
        "http://192.168.1.1/",
        "http://100.64.0.1/",
        "http://224.0.0.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[::127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://[2001:0:7f00:1::]/",
        "http://[fe80::1]/",
        "http://[fc00::1]/",
        "http://[fec0::1]/",
        "http://[ff02::1]/",
        "http://192.88.99.1/",
        "http://168.63.129.16/",
        "http://198.18.0.1/",
        "http://240.0.0.1/",
        "http://255.255.255.255/",
        "http://0xa9.0xfe.0xa9.0xfe/",
        "http://0xa9fea9fe/",
        "http://2852039166/",
        "http://0251.0376.0251.0376/",
        "http://169.0376.43518/",
        "http://[::ffff:169.254.169.254]/",
        "http://[::ffff:0:127.0.0.1]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[64:ff9b:1::7f00:1]/",
        "http://[2002:a9fe:a9fe::]/",
        "http://[100::1]/",
        "http://[2001:db8::1]/",
        "http://[3fff::1]/",
        "http://[fd00:ec2::254]/",
        "http://127.0.0.1./",
        "http://LOCALHOST./",
        "http://metadata.google.internal/",
        "http://intranet/",
        "http://printer.local/",
    ),
}
PUBLIC = (
    "https://93.184.215.14/",
    "http://[2606:2800:21f:cb07::1]:8443/x",
    "https://hooks.acme.example",
    "HTTPS://hooks.acme.example:65535?x=1",
)


async def test_addresses_that_only_we_reach_are_refused(
    door: Door, admin: Person, helpdesk: Helpdesk, unchanged: Unchanged
) -> None:
    kept = (await door.create(admin, "webhook", **NEW)).done()["id"]
    async with unchanged():
        for told, addresses in ADDRESSES.items():
            for url in addresses:
                assert (await door.create(admin, "webhook", **(NEW | {"url": url}))).wrong == {"url": told}, (
                    url
                )
                assert (await door.change(admin, "webhook", kept, url=url)).wrong == {"url": told}, url
    for url in PUBLIC:
        assert (await door.create(admin, "webhook", **(NEW | {"url": url}))).ok, url
    helpdesk.allows_private_addresses = True
    allowed = await door.create(admin, "webhook", **(NEW | {"url": "http://127.0.0.1:9/"}))
    assert allowed.done()["url"] == "http://127.0.0.1:9/"


async def test_a_webhook_is_changed_switched_off_and_deleted(door: Door, admin: Person) -> None:
    webhook = (await door.create(admin, "webhook", **NEW)).done()
    after = (await door.change(admin, "webhook", webhook["id"], events=["*", "*", "ticket.*"])).done()
    assert after["events"] == ["*", "ticket.*"]
    assert after["updated_at"] > webhook["updated_at"]
    again = await door.change(admin, "webhook", webhook["id"], events=["*", "ticket.*"], url=webhook["url"])
    assert again.done() == after
    assert (await door.change(admin, "webhook", webhook["id"], is_active=False)).done()["is_active"] is False
    refused = await door.test_webhook(admin, webhook["id"])
    assert refused.code == "CONFLICT"
    assert refused.message == "This webhook is switched off. Set is_active to true first"
    assert (await door.delete(admin, "webhook", webhook["id"])).ok
    assert (await door.list(admin, "webhook")).done() == []


async def test_deliveries_of_many_take_as_many_statements_as_of_one(
    door: Door, admin: Person, sql: Sql
) -> None:
    webhook = (await door.create(admin, "webhook", **NEW)).done()["id"]
    took = []
    for count in (1, 14):
        for _ in range(count):
            assert (await door.test_webhook(admin, webhook)).ok
        await door.list(admin, "webhook")  # so that the key is known
        sql.clear()
        await door.deliveries(admin, webhook)
        took.append(len(sql))
    listed = await door.deliveries(admin, webhook)
    assert (len(listed.done()), listed.total) == (15, 15)
    assert took[0] == took[1] <= 6


@pytest.mark.parametrize("webhooks", [0, 3])
async def test_recording_costs_two_statements_when_no_webhook_listens(
    webhooks: int, door: Door, admin: Person, sql: Sql
) -> None:
    """Three with listeners, however many there are."""
    for _ in range(webhooks):
        await door.create(admin, "webhook", **(NEW | {"events": ["ticket.*"]}))
    ticket = await door.open_ticket(admin, subject="s", content="c", requester_email="admin@default.example")
    sql.clear()
    await door.change_ticket(admin, ticket.done()["id"], priority="high")
    ours = [text for text in sql.statements if "webhook" in text or "event" in text or " job" in text]
    assert len(ours) == (3 if webhooks else 2), ours
