"""Requesters are told of replies by e-mail, through a real SMTP server (D26)."""

import asyncio
from collections.abc import AsyncIterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP

from gateway.mail import Mailer
from gateway.worker import Worker
from resolvers.context import Helpdesk
from tests.conftest import Clock, Person
from tests.doors import Door, opened
from tests.receiver import jobs_of, working


class Mailbox:
    """Takes every letter, except those that `refuses` says something of."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        self.refuses: list[str] = []
        self.port = 0

    async def handle_RCPT(  # noqa: N802  # the name that aiosmtpd calls
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if self.refuses:
            return self.refuses.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  # as above
        letter = message_from_bytes(envelope.content, policy=default)
        assert isinstance(letter, EmailMessage)
        self.letters.append(letter)
        return "250 Kept"


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    found = Mailbox()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(found, loop=loop), "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    yield found
    server.close()


@pytest.fixture
async def postman(helpdesk: Helpdesk, mailbox: Mailbox) -> AsyncIterator[Worker]:
    mailer = Mailer(f"smtp://127.0.0.1:{mailbox.port}", "Acme <help@acme.example>")
    async with working(helpdesk, mailer) as found:
        yield found


async def states(helpdesk: Helpdesk) -> list[tuple[str | None, int]]:
    """Outcome and attempts of every e-mail."""
    return [(job["outcome"], job["attempts"]) for job in await jobs_of(helpdesk.db, "email")]


async def test_a_public_reply_is_sent_to_the_requester(
    door: Door, agent: Person, mailbox: Mailbox, postman: Worker, helpdesk: Helpdesk
) -> None:
    ticket = await opened(
        door,
        agent,
        subject="Où\r\nBcc: x@y.example",
        requester_name="Zoë\nLast",
        requester_email="zoe@acme.example",
    )
    reply = (await door.reply(agent, ticket["id"], content="Try *this*")).done()
    assert mailbox.letters == []
    await postman.drain()
    [letter] = mailbox.letters
    assert letter["Subject"] == "Re: Où Bcc: x@y.example"
    assert letter["To"] == "Zoë Last <zoe@acme.example>"
    assert letter["From"] == "Acme <help@acme.example>"
    assert letter["Bcc"] is None
    assert letter["Message-ID"] == f"<reply-{reply['id']}@acme.example>"
    text, html = letter.get_body(("plain",)), letter.get_body(("html",))
    assert text
    assert html
    assert text.get_content().startswith("Try *this*")
    assert "<p>Try <em>this</em></p>" in html.get_content()
    assert await states(helpdesk) == [("delivered", 1)]


async def test_nobody_is_told_of_notes_of_their_own_words_or_when_not_asked_to(
    door: Door, agent: Person, customer: Person, helpdesk: Helpdesk
) -> None:
    ticket = await opened(door, agent, requester_email=customer.user.email)
    for who, given in (
        (agent, {"is_internal": True, "notify_requester": True}),
        (agent, {"notify_requester": False}),
        (customer, {}),
    ):
        assert (await door.reply(who, ticket["id"], content="x", **given)).ok
    own = await opened(door, agent, requester_email=agent.user.email)
    assert (await door.reply(agent, own["id"], content="x")).ok
    assert await states(helpdesk) == []


async def test_without_a_mail_server_it_is_recorded_as_skipped(
    door: Door, agent: Person, worker: Worker, helpdesk: Helpdesk
) -> None:
    ticket = await opened(door, agent)
    await door.reply(agent, ticket["id"], content="x")
    assert await states(helpdesk) == [(None, 0)]
    await worker.drain()
    assert await states(helpdesk) == [("skipped", 1)]


async def test_a_mail_server_that_refuses_is_asked_again_unless_it_said_never(
    door: Door, agent: Person, mailbox: Mailbox, postman: Worker, helpdesk: Helpdesk, clock: Clock
) -> None:
    mailbox.refuses = ["450 Later", "550 Nobody here"]
    ticket = await opened(door, agent)
    await door.reply(agent, ticket["id"], content="x")
    await postman.drain()
    assert await states(helpdesk) == [(None, 1)]
    clock.pass_(seconds=6)
    await postman.drain()
    assert await states(helpdesk) == [("failed", 2)]
    assert mailbox.letters == []


async def test_a_mail_server_that_is_out_is_asked_again(
    door: Door, agent: Person, helpdesk: Helpdesk, unused_tcp_port: int
) -> None:
    ticket = await opened(door, agent)
    await door.reply(agent, ticket["id"], content="x")
    async with working(helpdesk, Mailer(f"smtp://127.0.0.1:{unused_tcp_port}", "a@b.example")) as postman:
        await postman.drain()
    assert await states(helpdesk) == [(None, 1)]


async def test_a_reply_that_is_gone_is_told_to_nobody(
    door: Door, agent: Person, mailbox: Mailbox, postman: Worker, helpdesk: Helpdesk
) -> None:
    ticket = await opened(door, agent)
    await door.reply(agent, ticket["id"], content="x")
    await door.delete_ticket(agent, ticket["id"])
    await postman.drain()
    assert mailbox.letters == []
    assert await states(helpdesk) == [("skipped", 1)]


def test_a_mailer_keeps_its_password_to_itself() -> None:
    mailer = Mailer("smtps://ann:p%40ss@mail.acme.example", "a@b.example")
    assert "p@ss" not in repr(mailer)
    assert Mailer.at("", "a@b.example") is None
