"""Rate limits (D30): per workspace and tier, both windows at once, headers in both doors, sign-ins by address and key."""

import re
from collections.abc import Awaitable, Callable

import httpx
import pytest

from resolvers.context import Caller, Helpdesk
from resolvers.rate_limits import TIERS, UNLIMITED, MemoryWindows, RateLimits, units_for
from resolvers.tokens import create_token, make_key
from tests.conftest import Clock, Person
from tests.doors import Door

Ask = Callable[[Person], Awaitable[httpx.Response]]


@pytest.fixture(params=["rest", "graphql"])
def ask(request: pytest.FixtureRequest, http: httpx.AsyncClient) -> Ask:
    """One request that costs one unit, by either door."""

    async def rest(person: Person) -> httpx.Response:
        return await http.get("/v1/categories", headers=person.headers)

    async def graphql(person: Person) -> httpx.Response:
        asked = {"query": "{ categories { nodes { id } } }"}
        return await http.post("/graphql", json=asked, headers=person.headers)

    return rest if request.param == "rest" else graphql


@pytest.fixture
async def free(helpdesk: Helpdesk) -> Person:
    """An admin of a workspace of the free tier: 30 a minute, 1,000 a day."""
    made, user, workspace = await make_key(helpdesk, "admin", workspace="free", tier="free")
    given = {"api_key": made.row.api_key, "api_secret": made.api_secret}
    async with helpdesk.operation(None) as ctx:
        token = await create_token(ctx, given)
    return Person(user, workspace, made.row.api_key, made.api_secret, token.token)


def standing(answer: httpx.Response) -> tuple[int, int, int]:
    limit, remaining, reset = (
        int(answer.headers[f"x-ratelimit-{name}"]) for name in ("limit", "remaining", "reset")
    )
    return limit, remaining, reset


async def test_the_minute_refuses_and_comes_back(ask: Ask, free: Person, clock: Clock) -> None:
    first = await ask(free)
    limit, remaining, reset = standing(first)
    assert (first.status_code, limit, remaining) == (200, 30, 29)
    assert 59 <= reset - clock.moment.timestamp() <= 61
    for left in range(28, -1, -1):
        assert standing(await ask(free))[1] == left
    refused = await ask(free)
    assert refused.status_code == 429
    assert standing(refused)[:2] == (30, 0)
    assert 55 <= int(refused.headers["retry-after"]) <= 60
    told = refused.json()
    error = told["error"] if "error" in told else told["errors"][0]["extensions"]
    assert error["code"] == "RATE_LIMIT_EXCEEDED"
    clock.pass_(seconds=61)
    assert standing(await ask(free))[:2] == (30, 29)


async def test_the_day_refuses_too_and_is_told_once_it_is_nearer(
    ask: Ask, free: Person, clock: Clock
) -> None:
    for _ in range(33):
        for _ in range(30):
            assert (await ask(free)).status_code == 200
        clock.pass_(seconds=61)
    assert standing(await ask(free))[:2] == (1000, 9)
    for _ in range(9):
        await ask(free)
    refused = await ask(free)
    assert refused.status_code == 429
    assert standing(refused)[:2] == (1000, 0)
    assert int(refused.headers["retry-after"]) > 80_000


async def test_both_doors_draw_on_one_budget(http: httpx.AsyncClient, free: Person) -> None:
    await http.get("/v1/categories", headers=free.headers)
    asked = {"query": "{ rateLimit { limit remaining used cost resetAt } }"}
    answer = await http.post("/graphql", json=asked, headers=free.headers)
    told = answer.json()
    assert told["data"]["rateLimit"].pop("resetAt").endswith("Z")
    assert told["data"]["rateLimit"] == {"limit": 30, "remaining": 28, "used": 2, "cost": 1}
    cost = told["extensions"]["cost"]
    assert (cost["units"], cost["remaining"]) == (1, 28)
    assert standing(answer)[:2] == (30, 28)


async def test_an_operation_is_charged_by_its_points(http: httpx.AsyncClient, free: Person) -> None:
    ticket = "requester { organization { name } } assignedTo { name } category { name }"
    dear = f"{{ tickets(first: 50) {{ nodes {{ {ticket} }} }} }}"
    answer = await http.post("/graphql", json={"query": dear}, headers=free.headers)
    cost = answer.json()["extensions"]["cost"]
    assert cost["units"] == units_for(cost["requested"]) > 1
    assert standing(answer)[1] == 30 - cost["units"]


async def test_an_operation_that_no_minute_has_room_for_is_told_to_ask_for_less(
    http: httpx.AsyncClient, free: Person
) -> None:
    """Waiting would not help: what is refused uses up nothing, and there is never more than a whole minute."""
    ticket = " ".join(f"a{number}: requester {{ organization {{ name }} }}" for number in range(16))
    dear = f"{{ tickets(first: 100) {{ nodes {{ {ticket} }} }} }}"
    refused = await http.post("/graphql", json={"query": dear}, headers=free.headers)
    [error] = refused.json()["errors"]
    assert (refused.status_code, error["extensions"]["code"]) == (429, "RATE_LIMIT_EXCEEDED")
    assert error["message"] == "This takes 34 units, and your tier has 30 at a time. Ask for less"
    assert standing(refused)[:2] == (30, 30)


async def test_errors_are_charged_and_carry_the_headers(http: httpx.AsyncClient, free: Person) -> None:
    missing = await http.get("/v1/tickets/999", headers=free.headers)
    assert (missing.status_code, standing(missing)[1]) == (404, 29)
    wrong = await http.post("/v1/tickets", json={}, headers=free.headers)
    assert (wrong.status_code, standing(wrong)[1]) == (400, 28)
    faulty = await http.post("/graphql", json={"query": "{ nope }"}, headers=free.headers)
    assert standing(faulty)[1] == 27


async def test_enterprise_is_unlimited_and_still_told(ask: Ask, admin: Person) -> None:
    answers = [await ask(admin) for _ in range(150)]
    assert {answer.status_code for answer in answers} == {200}
    assert standing(answers[-1])[:2] == (UNLIMITED, UNLIMITED)


async def test_without_a_token_nothing_is_charged_or_told(http: httpx.AsyncClient, free: Person) -> None:
    for path in ("/health", "/v1/tickets", "/v1/openapi.json"):
        assert "x-ratelimit-limit" not in (await http.get(path)).headers
    asked = {"query": "{ __typename }"}
    answer = await http.post("/graphql", json=asked)
    assert "extensions" not in answer.json()


async def test_failed_sign_ins_are_limited_by_key_and_good_ones_are_not(
    door: Door, admin: Person, clock: Clock
) -> None:
    async def attempts(api_secret: str, count: int) -> list[str | None]:
        return [(await door.sign_in(admin.api_key, api_secret)).code for _ in range(count)]

    assert await attempts(admin.api_secret, 30) == [None] * 30
    assert await attempts("wrong", 12) == ["UNAUTHORIZED"] * 10 + ["RATE_LIMIT_EXCEEDED"] * 2
    refused = await door.sign_in(admin.api_key, admin.api_secret)
    assert refused.code == "RATE_LIMIT_EXCEEDED"
    assert re.fullmatch(r"Too many requests. Try again in (59|60) seconds", refused.message)
    clock.pass_(seconds=61)
    assert await attempts(admin.api_secret, 1) == [None]


async def test_failed_sign_ins_are_limited_by_address(door: Door, admin: Person) -> None:
    codes = [(await door.sign_in(f"ak_{number}", "x")).code for number in range(62)]
    assert codes == ["UNAUTHORIZED"] * 60 + ["RATE_LIMIT_EXCEEDED"] * 2
    assert (await door.sign_in(admin.api_key, admin.api_secret)).code == "RATE_LIMIT_EXCEEDED"


async def test_a_refused_sign_in_is_told_when_to_come_again(http: httpx.AsyncClient) -> None:
    wrong = {"api_key": "ak_x", "api_secret": "x"}
    for _ in range(10):
        await http.post("/v1/auth/token", json=wrong)
    refused = await http.post("/v1/auth/token", json=wrong)
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "RATE_LIMIT_EXCEEDED")
    assert 0 < int(refused.headers["retry-after"]) <= 60


async def test_a_refused_request_uses_up_neither_window(clock: Clock) -> None:
    limits = RateLimits(MemoryWindows())
    caller = Caller(workspace_id=1, user_id=1, key_id=1, role="admin", tier="free")
    big = await limits.charge(caller, 31, clock())
    assert big.is_refused
    assert not (await limits.charge(caller, 30, clock())).is_refused
    for _ in range(5):
        assert (await limits.charge(caller, 1, clock())).is_refused
    clock.pass_(seconds=61)
    day = TIERS["free"][1]
    taken = await limits.windows.take("workspace:1", [day], 0, clock().timestamp())
    assert taken.windows[0].units == 30


async def test_windows_that_have_ended_are_forgotten(clock: Clock) -> None:
    windows = MemoryWindows()
    for number in range(1000):
        await windows.take(f"workspace:{number}", TIERS["free"], 1, clock().timestamp())
    clock.pass_(days=2)
    await windows.take("workspace:1", TIERS["free"], 1, clock().timestamp())
    assert len(windows._windows) == 2
