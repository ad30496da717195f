"""Limits: how an operation is measured, and what is refused before anything runs."""

import time

import pytest
from graphql import get_introspection_query

from schema import limits
from schema.documents import Documents
from schema.errors import Refusal
from schema.limits import Measure
from tests.graph.protocol_app import schema


@pytest.fixture(scope="module")
def documents() -> Documents:
    return Documents(schema._schema)


def measure(documents: Documents, text: str, **variables: object) -> Measure:
    return documents.get(text).operation(None).measure(variables)


def refusal(documents: Documents, text: str, **variables: object) -> str:
    """The message of a text that is refused as too complex."""
    with pytest.raises(Refusal) as refused:
        measure(documents, text, **variables)
    assert refused.value.code == "QUERY_TOO_COMPLEX"
    assert [error["extensions"] for error in refused.value.errors] == [{"code": "QUERY_TOO_COMPLEX"}]
    return str(refused.value.errors[0]["message"])


class TestCost:
    @pytest.mark.parametrize(
        ("text", "cost", "nodes"),
        [
            ("{role}", 0, 0),
            ("{tickets{totalCount}}", 1, 0),
            ("{tickets{pageInfo{hasNextPage}}}", 2, 0),
            ("{tickets(first:3){nodes{id}}}", 1 + 3, 3),
            ("{tickets(first:3){edges{node{id}}}}", 1 + 3 * 2, 3),
            ("{tickets(last:3){nodes{requester{id}}}}", 1 + 3 * 2, 3),
            ("{tickets{nodes{id}}}", 1 + 20, 20),
            ("{tickets(first:null){nodes{id}}}", 1 + 20, 20),
            ("{tickets(first:5000){nodes{id}}}", 1 + 100, 100),
            ("{tickets(first:-1){nodes{id}}}", 1 + 1, 1),
            ("{tickets(first:2){nodes{summary}}}", 1 + 2 * (1 + 7), 2),
            ("{tickets(first:2){nodes{history{id}}}}", 1 + 2 * (1 + 10), 2),
            (
                "{tickets(first:2){pageInfo{hasNextPage} nodes{requester{tickets(first:3){nodes{id}}}}}}",
                1 + 1 + 2 * (1 + 1 + 1 + 3),
                2 * (1 + 3),
            ),
            ('{nodes(ids:["1","2"]){requester{id}}}', 1 + 2 * 1, 2),
            (
                "{tickets(first:3){...{nodes{id}} ...F}} fragment F on TicketConnection{edges{cursor}}",
                1 + 6,
                6,
            ),
        ],
    )
    def test_connections_multiply_by_the_page_asked_for(
        self, documents: Documents, text: str, cost: int, nodes: int
    ) -> None:
        measured = measure(documents, text)
        assert (measured.cost, measured.nodes) == (cost, nodes)

    @pytest.mark.parametrize(
        ("variables", "size"),
        [({}, 7), ({"n": 3}, 3), ({"n": None}, 20), ({"n": 900}, 100), ({"n": True}, 20)],
    )
    def test_a_page_may_be_a_variable_with_its_default(
        self, documents: Documents, variables: dict[str, object], size: int
    ) -> None:
        text = "query($n:Int=7){tickets(first:$n){nodes{id}}}"
        assert measure(documents, text, **variables).cost == 1 + size

    def test_ids_may_be_a_variable(self, documents: Documents) -> None:
        text = "query($ids:[ID!]!){nodes(ids:$ids){requester{id}}}"
        assert measure(documents, text, ids=["1", "2", "3"]).cost == 1 + 3

    def test_a_page_variable_counts_through_fragments(self, documents: Documents) -> None:
        text = "query($n:Int){...F} fragment F on Query{tickets(first:$n){nodes{id}}}"
        assert measure(documents, text, n=5).cost == 1 + 5


SMALLER = "ask for smaller pages (`first`, `last`) or fewer nested lists."
ELSEWHERE = "put values into variables, or split it."
REFUSED = {
    "{" + " ".join(["role"] * 21) + "}": (
        "The operation has 21 root fields, and at most 20 are allowed: send them in several requests."
    ),
    "mutation{" + " ".join(f"a{i}:touch" for i in range(6)) + "}": (
        "The operation has 6 mutations, and at most 5 are allowed: send them in several requests."
    ),
    "{tickets{nodes{" + " ".join(f"a{i}:id" for i in range(31)) + "}}}": (
        "The operation has 31 aliases, and at most 30 are allowed: "
        "use `nodes(ids:)` or a list, or several requests."
    ),
    "{tickets{nodes{" + "id @include(if:true) " * 21 + "}}}": (
        "The operation has 21 directives, and at most 20 are allowed: leave the fields out instead."
    ),
    "{" + "tickets(first:1){nodes{requester{" * 4 + "tickets{totalCount}" + "}}}" * 4 + "}": (
        "The operation has 13 levels of nesting, and at most 12 are allowed: "
        "ask for the inner objects by their id."
    ),
    "{tickets(first:100){nodes{requester{tickets(first:100){nodes{id}}}}}}": (
        f"The operation has 10,100 nodes, and at most 10,000 are allowed: {SMALLER}"
    ),
    "{tickets(first:100){nodes{requester{tickets(first:49){nodes{id}}}}}}": (
        f"The operation has 5,201 points of cost, and at most 5,000 are allowed: {SMALLER}"
    ),
    "{__schema{types{fields{args{type{" + "ofType{" * 17 + "name" + "}" * 23: (
        "The operation has 22 levels of introspection, and at most 20 are allowed: ask for fewer `ofType`."
    ),
    "{role" + " " * 16_000 + "}": (
        f"The document has 16,006 characters, and at most 16,000 are allowed: {ELSEWHERE}"
    ),
    "{" + "role " * 2_000 + "}": f"The document has more than 2,000 tokens or 500 comments: {ELSEWHERE}",
    "{role}" + "#\n" * 501: f"The document has more than 2,000 tokens or 500 comments: {ELSEWHERE}",
    "{" + "role " * 1_000 + "}": (
        "The document names the field 'role' 1000 times: ask for it once, or put it into a fragment."
    ),
    " ".join(f"query Q{i}{{role}}" for i in range(26)): (
        "The document has 26 operations, and at most 25 are allowed: split it."
    ),
}


class TestRefusals:
    @pytest.mark.parametrize(("text", "message"), REFUSED.items())
    def test_each_says_what_to_change(self, documents: Documents, text: str, message: str) -> None:
        assert refusal(documents, text) == message

    @pytest.mark.parametrize(
        "text",
        [
            "{" + " ".join(["role"] * 20) + "}",
            "mutation{" + " ".join(f"a{i}:touch" for i in range(5)) + "}",
            "{tickets{nodes{" + " ".join(f"a{i}:id" for i in range(30)) + "}}}",
            "{tickets{nodes{" + "id @include(if:true) " * 20 + "}}}",
            "{" + "tickets(first:1){nodes{requester{" * 4 + "id" + "}}}" * 4 + "}",
            "{role" + " " * 15_994 + "}",
        ],
    )
    def test_the_limit_itself_is_allowed(self, documents: Documents, text: str) -> None:
        measure(documents, text)

    def test_a_variable_can_make_an_operation_too_complex(self, documents: Documents) -> None:
        text = "query($n:Int){tickets(first:$n){nodes{requester{tickets(first:$n){nodes{id}}}}}}"
        assert measure(documents, text, n=20).cost == 1 + 20 * (3 + 20)
        assert refusal(documents, text, n=100).startswith("The operation has 10,100 nodes")

    def test_fragments_count_as_often_as_they_are_spread(self, documents: Documents) -> None:
        text = "{" + "...F " * 11 + "} fragment F on Query{a:role b:role c:large}"
        assert refusal(documents, text).startswith("The operation has 33 root fields")

    @pytest.mark.parametrize("variant", ["query", "deprecated", "one_of"])
    def test_the_introspection_of_tools_is_allowed(self, documents: Documents, variant: str) -> None:
        asked = {
            "query": get_introspection_query(),
            "deprecated": get_introspection_query(
                specified_by_url=True, schema_description=True, input_value_deprecation=True
            ),
            "one_of": get_introspection_query(descriptions=False, directive_is_repeatable=True),
        }[variant]
        measured = measure(documents, asked)
        assert (measured.depth, measured.introspection_depth) == (0, 14)
        assert measured.introspection_nodes < limits.MAX_INTROSPECTION_NODES

    def test_introspection_that_multiplies_itself_is_refused(self, documents: Documents) -> None:
        with pytest.raises(Refusal) as refused:
            measure(documents, "{__schema{types{fields{type{fields{type{fields{name}}}}}}}}")
        assert refused.value.errors[0]["message"] == "Maximum introspection depth exceeded"


def bomb(depth: int, on: str, around: str, core: str) -> str:
    """A document whose expansion doubles with every fragment."""
    spreads = (
        f"fragment F{i} on {on}{{{around.replace('...', f'...F{i + 1} ...F{i + 1}')}}}" for i in range(depth)
    )
    return f"{' '.join(spreads)} fragment F{depth} on {on}{{{core}}}"


HOSTILE = {
    "fragments that double 60 times": "{...F0}" + bomb(60, "Query", "...", "role"),
    "fragments that nest and double": "{tickets{nodes{...F0}}}"
    + bomb(40, "Ticket", "requester{tickets{nodes{...}}}", "id"),
    "introspection fragments that double": "{__schema{types{...F0}}}"
    + bomb(60, "__Type", "...", "fields{name}"),
    "a thousand equal fields": "{" + "role " * 1_000 + "}",
    "equal fields as many as are read": "{" + "role " * 140 + "}",
    "equal nested fields": "{" + "tickets{nodes{id}} " * 80 + "}",
    "two thousand tokens of aliases": "{" + " ".join(f"a{i}:role" for i in range(660)) + "}",
    "many operations over many fragments": " ".join(f"query Q{i}{{...F0}}" for i in range(25))
    + bomb(90, "Query", "...", "role"),
    "fragments side by side": "{"
    + " ".join(f"...F{i}" for i in range(100))
    + "}"
    + " ".join(f"fragment F{i} on Query{{a:role b:large}}" for i in range(100)),
    "nesting": "{" + "tickets{nodes{requester{" * 60 + "id" + "}}}" * 60 + "}",
    "unknown fields": "{" + " ".join(f"nope{i}" for i in range(1_000)) + "}",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_document_is_refused_in_linear_time(name: str) -> None:
    """Seconds are allowed for a machine under load; stock limiters take minutes, or never answer."""
    documents = Documents(schema._schema)
    started = time.process_time()
    with pytest.raises(Refusal):
        documents.get(HOSTILE[name]).operation(None).measure({})
    assert time.process_time() - started < 2
