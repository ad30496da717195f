"""What a graph may hold that ours does not, and what a resolver may do wrong: still answered as graphql-core does."""

import asyncio
import dataclasses
import datetime as dt
import itertools
from collections.abc import Generator, Iterator
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any

import msgspec
import pytest
import strawberry
from strawberry import Info, Parent
from strawberry.permission import BasePermission
from strawberry.scalars import JSON

from resolvers.errors import Forbidden
from schema.documents import MAX_PLANS
from schema.errors import Refusal
from schema.execution import Graph


@strawberry.enum
class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Text(str):
    __slots__ = ()


class Nobody(BasePermission):
    message = "Not you"

    def has_permission(self, source: Any, info: Info, **kwargs: Any) -> bool:
        return False


@strawberry.interface
class Thing:
    name: str


@strawberry.type
class Stone(Thing):
    weight: int

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        return isinstance(obj, StoneRow)


@strawberry.type
class Plant(Thing):
    height: float | None

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        return isinstance(obj, PlantRow)


@dataclasses.dataclass
class StoneRow:
    name: Any
    weight: Any


@dataclasses.dataclass
class PlantRow:
    name: Any
    height: Any


def _doubled(times: int, row: Parent[Any]) -> int:
    return int(row.number * times)


def _only_named(root: Parent[Any], *, times: int = 3) -> int:
    return int(root.number * times)


@strawberry.type
class Row:
    text: str
    maybe: str | None
    number: int
    ratio: float
    id: strawberry.ID
    truth: bool
    colour: Colour
    colours: list[Colour | None]
    moment: dt.datetime
    day: dt.date | None
    price: Decimal | None
    anything: JSON | None
    matrix: list[list[int]] | None
    tags: list[str]
    below: "Row | None" = None
    rows: "list[Row | None] | None" = None
    doubled: int = strawberry.field(resolver=_doubled)
    only_named: int = strawberry.field(resolver=_only_named)

    @strawberry.field
    async def later(self) -> str:
        await asyncio.sleep(0)
        return f"later {self.number}"

    @strawberry.field
    async def fails_later(self) -> str | None:
        await asyncio.sleep(0)
        raise Forbidden

    @strawberry.field
    def wants_more(self, info: Info) -> str:
        return info.field_name

    @strawberry.field(permission_classes=[Nobody])  # type: ignore[untyped-decorator]
    def guarded(self) -> str | None:
        return "secret"


GOOD: dict[str, Any] = {
    "text": "a",
    "maybe": None,
    "number": 1,
    "ratio": 0.5,
    "id": "x",
    "truth": True,
    "colour": Colour.RED,
    "colours": ["red", None, Colour.BLUE],
    "moment": dt.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=dt.UTC),
    "day": dt.date(2026, 1, 2),
    "price": Decimal("1.50"),
    "anything": {"a": [1]},
    "matrix": [[1, 2], [], [3]],
    "tags": ["a"],
}
ODD: list[dict[str, Any]] = [
    {"text": 7}, {"text": True}, {"text": 1.5}, {"text": Text("sub")}, {"text": None}, {"text": []},
    {"text": ValueError("no")}, {"maybe": ValueError("no")}, {"maybe": 7}, {"number": 2**31}, {"number": -(2**31)},
    {"number": True}, {"number": 1.0}, {"number": 1.5}, {"number": "12"}, {"number": None}, {"ratio": 1},
    {"ratio": float("nan")}, {"ratio": float("inf")}, {"ratio": "x"}, {"id": 5}, {"id": 2.0}, {"id": None}, {"id": True},
    {"truth": 1}, {"truth": None}, {"truth": "x"}, {"colour": "red"}, {"colour": "green"}, {"colour": None},
    {"colour": ["red"]}, {"colours": ["green"]}, {"colours": None}, {"colours": "red"}, {"colours": ()},
    {"moment": dt.datetime(2026, 1, 2, tzinfo=dt.timezone(dt.timedelta(hours=2)))}, {"moment": "now"},
    {"moment": dt.datetime(1, 1, 1, tzinfo=dt.UTC)}, {"moment": dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)},
    {"day": dt.datetime(2026, 1, 2, tzinfo=dt.UTC)}, {"day": None}, {"day": 5}, {"price": None}, {"price": "1"},
    {"anything": None}, {"anything": []}, {"matrix": None}, {"matrix": [None]}, {"matrix": [[None]]}, {"matrix": [3]},
    {"matrix": ((1,), [2])}, {"tags": None}, {"tags": [None]}, {"tags": iter(["a", "b"])}, {"tags": {"a": 1}},
    {"tags": {"a"}}, {"tags": "abc"}, {"tags": [1, "a"]}, {"below": "no row"}, {"below": ValueError("no")},
    {"rows": "x"}, {"rows": 5},
]  # fmt: skip


def row(**odd: Any) -> Row:
    return Row(**(GOOD | odd))


def _numbers() -> Iterator[int]:
    yield from (1, 2)


async def _row_later() -> Row:
    await asyncio.sleep(0)
    return row(text="later")


class Later:
    def __await__(self) -> Generator[Any, None, Row]:
        return _row_later().__await__()


@strawberry.type
class Query:
    @strawberry.field
    def rows(self, info: Info) -> list[Row]:
        return info.context["rows"]  # type: ignore[no-any-return]

    @strawberry.field
    def things(self) -> list[Thing | None]:
        return [StoneRow("s", 1), None, PlantRow("p", 0.5), StoneRow("t", 2), PlantRow(None, None)]  # type: ignore[list-item]

    @strawberry.field
    def good_things(self) -> list[Thing | None]:
        return [StoneRow("s", 1), None, PlantRow("p", 0.5), StoneRow("t", 2)]  # type: ignore[list-item]

    @strawberry.field
    def unknown_thing(self) -> Thing | None:
        return object()  # type: ignore[return-value]

    @strawberry.field
    def wrong_stone(self) -> Stone | None:
        return PlantRow("p", 1)  # type: ignore[return-value]

    @strawberry.field
    def either(self, stone: bool) -> Annotated[Row | Plant, strawberry.union("Either")] | None:
        return PlantRow("p", 1) if not stone else row()  # type: ignore[return-value]

    @strawberry.field
    def generated(self) -> list[int]:
        return _numbers()  # type: ignore[return-value]

    @strawberry.field
    def of_awaitables(self) -> list[Row]:
        return [Later(), row()]  # type: ignore[list-item]

    @strawberry.field
    async def later(self) -> Row:
        return await _row_later()

    @strawberry.field
    def sometimes_later(self, wait: bool) -> Row | None:
        return _row_later() if wait else row()  # type: ignore[return-value]

    @strawberry.field
    def fails(self) -> str | None:
        raise Forbidden

    @strawberry.field
    def must_not_fail(self) -> str:
        raise RuntimeError("a fault")

    @strawberry.field
    def echo(
        self, words: list[str], deep: list[list[int]] | None = None, colour: Colour = Colour.BLUE
    ) -> str:
        words.append("!")  # what is given belongs to the resolver
        return f"{words} {deep} {colour}"


ALL = """text maybe number ratio id truth colour colours moment day price anything matrix tags
    doubled(times: 2) onlyNamed later"""
schema = strawberry.Schema(Query, types=[Stone, Plant])
levels, graphql_core = Graph(schema), Graph(schema, "graphql-core")


async def _answer(graph: Graph, text: str, rows: list[Row], variables: dict[str, Any]) -> Any:
    try:
        answer = await graph.execute(graph.prepare(text, None, variables), {"rows": rows}, "request")
        return msgspec.json.encode(answer)
    except (Refusal, TypeError, ValueError) as error:  # what JSON cannot say
        return repr(error)


async def alike(text: str, make: Any = list, **variables: Any) -> str:
    """What both answered, which must be the same. Rows are made anew for each: some can be read once only."""
    first, second = [await _answer(graph, text, make(), variables) for graph in (levels, graphql_core)]
    assert first == second
    return str(first)


@pytest.mark.parametrize("number", range(len(ODD)))
async def test_a_value_that_is_odd(number: int) -> None:
    odd = ODD[number]
    one_use = {name: list(value) for name, value in odd.items() if isinstance(value, Iterator)}

    def make() -> list[Row]:
        again = odd | {name: iter(value) for name, value in one_use.items()}
        return [row(), row(**again)]

    [name] = odd
    below = " { text }" if name in ("below", "rows") else ""
    await alike(f"{{ rows {{ {name}{below} }} }}", make)
    await alike(f"{{ rows {{ {ALL} {name if below == '' else ''} below {{ text }} }} }}", make)


async def test_a_null_goes_up_as_far_as_it_must() -> None:
    for depth, faulty in itertools.product(range(3), ("text", "tags", "number")):

        def make(depth: int = depth, faulty: str = faulty) -> list[Row]:
            made = row(**{faulty: None})
            for _ in range(depth):
                made = row(below=made, rows=[row(), made, None])
            return [row(), made]

        fields = f"{faulty} text"
        below = f"below {{ {fields} rows {{ {fields} }} }} rows {{ {fields} below {{ {fields} }} }}"
        await alike(f"{{ rows {{ {fields} {below} }} }}", make)


QUESTIONS = {
    f"{{ rows {{ {ALL} below {{ text }} rows {{ text number }} }} }}": True,
    "{ goodThings { __typename name ... on Stone { weight } ... on Plant { height } } }": True,
    "{ things { name } }": False,
    "{ goodThings { __typename } goodThings { name } }": True,
    "{ unknownThing { name } }": False,
    "{ wrongStone { name weight } }": False,
    "{ either(stone: true) { __typename ... on Row { text } } }": False,
    "{ generated }": False,
    "{ ofAwaitables { text } }": False,
    "{ later { text later } a: later { number } rows { later below { later } } }": True,
    "{ sometimesLater(wait: true) { text } b: sometimesLater(wait: false) { text } }": True,
    "{ fails rows { text } later { text } }": False,
    "{ rows { later failsLater } }": False,
    "{ mustNotFail later { text } }": False,
    "{ rows { wantsMore } }": False,
    "{ rows { guarded } }": False,
    '{ echo(words: ["a"]) b: echo(words: "b", deep: [[1], []], colour: RED) }': True,
    "{ rows { onlyNamed(times: 4) other: onlyNamed } }": True,
    "{ __typename __schema { queryType { name } } }": False,
    "{ __typename }": True,
    "{ rows { text @skip(if: true) } }": True,
    "{ rows @include(if: false) { text } }": True,
    "{ rows { ...part ... { text } ... on Row { maybe text } } } fragment part on Row { number below { text } }": True,
}


@pytest.mark.parametrize("text", QUESTIONS)
async def test_questions_are_answered_alike(text: str) -> None:
    def make() -> list[Row]:
        return [row(), row(number=3, below=row(text="b"), rows=[row(), None]), row(rows=[])]

    before = levels.served.operations["levels"]
    for _ in range(2):  # the second time by a plan that is known
        await alike(text, make)
    assert (levels.served.operations["levels"] - before) == 2 * QUESTIONS[text]


async def test_what_is_steered_by_variables_has_its_plans() -> None:
    text = """query($a: Boolean!, $b: Boolean = true, $words: [String!]!) {
        rows @skip(if: $a) { text ...part @include(if: $b) } echo(words: $words) }
        fragment part on Row { number later @skip(if: $a) }"""
    answers = {
        await alike(text, lambda: [row()], a=a, b=b, words=["w"])
        for a in (True, False)
        for b in (True, False)
    }
    assert len(answers) == 3  # without rows, nothing hangs on the other
    assert "!" in await alike(text, a=False, words="w")
    assert "VALIDATION_ERROR" in await alike(text, a=None, words=[])


async def test_a_plan_is_forgotten_when_there_are_too_many() -> None:
    names = [f"v{number}" for number in range(6)]
    declared = ", ".join(f"${name}: Boolean!" for name in names)
    fields = " ".join(f"{name}: number @skip(if: ${name})" for name in names)
    text = f"query({declared}) {{ rows {{ text {fields} }} }}"
    for values in itertools.product((True, False), repeat=len(names)):
        await alike(text, lambda: [row()], **dict(zip(names, values, strict=True)))
    operation = levels.prepare(text, None, dict.fromkeys(names, True)).operation
    assert 0 < len(operation._plans) <= MAX_PLANS
