"""Another secret signs: nobody is signed out before their token ends, and nothing that was sealed is lost."""

import datetime as dt
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import jwt
import pytest
from litestar import Litestar
from pydantic import SecretStr

from gateway.helpdesk import open_helpdesk
from gateway.kept_secrets import rotate
from gateway.settings import Settings
from gateway.worker import Worker
from resolvers.context import Helpdesk, utc_now
from resolvers.tokens import SECRETS_ARE_TRUSTED_S
from tests.conftest import Clock, Person
from tests.doors import Door, opened
from tests.receiver import Receiver

HOUR = dt.timedelta(hours=1)
FORMER, NEXT = "f" * 48, "n" * 48


@pytest.fixture
def settings(address: str, tmp_path: Path) -> Settings:
    """A helpdesk whose secrets lie in its data directory."""
    return Settings(data_dir=tmp_path, database_url=address, database_pool=4, sqlite_durable=False)


@pytest.fixture
async def app(application: Litestar, settings: Settings, clock: Clock) -> AsyncIterator[Litestar]:
    """The application of these settings."""
    application.state.settings = settings
    application.state.helpdesk = open_helpdesk(settings, clock)
    yield application
    await application.state.helpdesk.close()


@pytest.fixture
def clock() -> Clock:
    """It begins now: the library that verifies deliveries looks at the real one."""
    found = Clock()
    found.moment = utc_now()
    return found


async def token_of(door: Door, who: Person) -> str:
    return str((await door.sign_in(who.api_key, who.api_secret)).done()["token"])


def kid(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


async def test_the_former_secrets_tokens_are_taken_until_they_have_ended(
    door: Door, clock: Clock, agent: Person, tmp_path: Path
) -> None:
    assert (await door.tickets(agent)).ok
    rotate(tmp_path / "jwt_secret", clock(), HOUR)
    clock.pass_(seconds=SECRETS_ARE_TRUSTED_S)
    token = await token_of(door, agent)
    assert kid(token) != kid(agent.token)
    assert (await door.tickets(agent)).ok
    assert (await door.tickets(token)).ok
    clock.pass_(hours=1)
    assert (await door.tickets(agent)).code == "UNAUTHORIZED"


async def test_a_second_rotation_keeps_the_first_ones_tokens(
    door: Door, clock: Clock, agent: Person, tmp_path: Path
) -> None:
    path = tmp_path / "jwt_secret"
    tokens = [agent.token]
    for _ in range(3):
        rotate(path, clock(), HOUR)
        clock.pass_(minutes=5)
        tokens.append(await token_of(door, agent))
    assert len({kid(token) for token in tokens}) == 4
    assert all([(await door.tickets(token)).ok for token in tokens])


async def test_another_process_takes_a_new_secrets_token_in_the_same_moment(
    door: Door, clock: Clock, agent: Person, app: Litestar, settings: Settings, tmp_path: Path
) -> None:
    assert (await door.tickets(agent)).ok
    rotate(tmp_path / "jwt_secret", clock(), HOUR)
    here, other = app.state.helpdesk, open_helpdesk(settings, clock)
    app.state.helpdesk = other
    token = await token_of(door, agent)
    app.state.helpdesk = here
    await other.close()
    assert (await door.tickets(token)).ok


async def test_at_once_no_token_of_the_former_secret_is_taken(
    door: Door, clock: Clock, agent: Person, tmp_path: Path
) -> None:
    assert (await door.tickets(agent)).ok  # so it is remembered as verified
    rotate(tmp_path / "jwt_secret", clock(), None)
    clock.pass_(seconds=SECRETS_ARE_TRUSTED_S)
    assert (await door.tickets(agent)).code == "UNAUTHORIZED"
    assert (await door.tickets(await token_of(door, agent))).ok


async def test_a_secret_that_was_taken_back_verifies_nothing_in_an_overlap_that_ended(
    door: Door, clock: Clock, agent: Person, tmp_path: Path
) -> None:
    rotate(tmp_path / "jwt_secret", clock(), dt.timedelta(minutes=1))
    clock.pass_(seconds=SECRETS_ARE_TRUSTED_S)
    assert (await door.tickets(agent)).ok
    clock.pass_(minutes=1)
    assert (await door.tickets(agent)).code == "UNAUTHORIZED"


async def test_what_was_sealed_before_is_read_after(
    door: Door,
    clock: Clock,
    admin: Person,
    agent: Person,
    receiver: Receiver,
    worker: Worker,
    tmp_path: Path,
) -> None:
    made = (await door.create(admin, "webhook", url=receiver.url("/"), events=["ticket.created"])).done()
    rotate(tmp_path / "jwt_secret", clock(), None)
    clock.pass_(seconds=SECRETS_ARE_TRUSTED_S)
    await opened(door, await token_of(door, agent))  # hashes of API secrets have a key of their own, too
    await worker.drain()
    [hit] = receiver.hits
    assert hit.verified(made["secret"])["type"] == "ticket.created"


async def test_the_environments_secret_changes_in_three_steps_and_nobody_is_signed_out(
    door: Door, clock: Clock, agent: Person, app: Litestar, settings: Settings
) -> None:
    """Each step is a restart of one machine after the other: whatever two neighbours do, both take every token."""

    def started(signs: str, *accepted: str) -> Helpdesk:
        told = {"jwt_secret": SecretStr(signs), "jwt_secrets_accepted": SecretStr(" ".join(accepted))}
        return open_helpdesk(settings.model_copy(update=told), clock)

    first = app.state.helpdesk
    steps = [started(FORMER), started(FORMER, NEXT), started(NEXT, FORMER), started(NEXT)]
    tokens = []
    for machine in steps:
        app.state.helpdesk = machine
        tokens.append(await token_of(door, agent))
    for place, machine in enumerate(steps):
        app.state.helpdesk = machine
        for neighbour in (place - 1, place, place + 1):
            if 0 <= neighbour < len(steps):
                assert (await door.tickets(tokens[neighbour])).ok
    app.state.helpdesk = steps[3]
    assert (await door.tickets(tokens[0])).code == "UNAUTHORIZED"
    assert (await door.tickets(replace(agent, token=tokens[3]))).ok
    for machine in steps:
        await machine.close()
    app.state.helpdesk = first
