"""Documents: what a text means, which of its operations is picked, and how many are kept."""

from typing import Any

import graphql
import pytest
from graphql import OperationType

from schema import documents
from schema.documents import Documents
from schema.errors import Refusal
from schema.execution import Graph, check_variables
from tests.graph.protocol_app import schema

ONE_OF = (
    "Within OneOf Input Object type 'TicketChoice', exactly one field must be specified, "
    "and the value for that field must be non-null."
)


@pytest.fixture
def kept() -> Documents:
    return Documents(schema._schema)


def refusal(kept: Documents, text: str, name: str | None = None) -> tuple[str, list[str]]:
    """The code and the messages with which the text is refused."""
    with pytest.raises(Refusal) as refused:
        kept.get(text).operation(name)
    codes = {error["extensions"]["code"] for error in refused.value.errors}
    assert codes == {refused.value.code}
    return refused.value.code, [error["message"] for error in refused.value.errors]


class TestOperations:
    def test_the_only_operation_needs_no_name(self, kept: Documents) -> None:
        operation = kept.get("query Q{__typename}").operation(None)
        assert (operation.name, operation.kind) == ("Q", OperationType.QUERY)

    def test_an_operation_is_picked_by_its_name(self, kept: Documents) -> None:
        operation = kept.get("query A{__typename} mutation B{touch}").operation("B")
        assert (operation.name, operation.kind) == ("B", OperationType.MUTATION)

    @pytest.mark.parametrize(
        ("text", "name", "message"),
        [
            (
                "query A{__typename} query B{__typename}",
                None,
                "The document has several operations: name one of 'A', 'B' in `operationName`.",
            ),
            ("query A{__typename} query B{__typename}", "C", "Unknown operation named 'C'."),
            ("{__typename}", "A", "Unknown operation named 'A'."),
        ],
    )
    def test_no_operation_is_guessed(
        self, kept: Documents, text: str, name: str | None, message: str
    ) -> None:
        assert refusal(kept, text, name) == ("OPERATION_RESOLUTION_FAILURE", [message])

    def test_root_fields_are_found_through_fragments(self, kept: Documents) -> None:
        text = "{a:role ...F ...{large}} fragment F on Query{boom ...G} fragment G on Query{echo ...H}"
        found = kept.get(text + " fragment H on Query{waits}").operation(None).root_fields
        assert found == {"role", "large", "boom", "echo", "waits"}


class TestFaults:
    @pytest.mark.parametrize(
        ("text", "code", "message"),
        [
            ("{", "GRAPHQL_PARSE_FAILED", "Syntax Error: Expected Name, found <EOF>."),
            (
                '{echo(text:"\\ud800")}',
                "GRAPHQL_PARSE_FAILED",
                "Syntax Error: Invalid Unicode escape sequence: '\\ud800'.",
            ),
            ("{a\x00}", "GRAPHQL_PARSE_FAILED", "Syntax Error: Unexpected character: U+0000."),
            ("{" * 300, "GRAPHQL_PARSE_FAILED", None),
            (
                "{rol}",
                "GRAPHQL_VALIDATION_FAILED",
                "Cannot query field 'rol' on type 'Query'. Did you mean 'role'?",
            ),
            (
                "{tickets{}}",
                "GRAPHQL_VALIDATION_FAILED",
                "A selection set must not be empty: name the fields you want.",
            ),
            (
                "{}",
                "GRAPHQL_VALIDATION_FAILED",
                "A selection set must not be empty: name the fields you want.",
            ),
            (
                "{...F} fragment F on Query{...F}",
                "GRAPHQL_VALIDATION_FAILED",
                "Cannot spread fragment 'F' within itself.",
            ),
            ("subscription{role}", "GRAPHQL_VALIDATION_FAILED", None),
            ('{echo(number:"x")}', "VALIDATION_ERROR", 'Int cannot represent non-integer value: "x"'),
            (
                "{echo(number:null)}",
                "VALIDATION_ERROR",
                "Expected value of non-null type 'Int!' not to be null.",
            ),
            ("{echo(number:true)}", "VALIDATION_ERROR", "Int cannot represent non-integer value: true"),
            ('{echo(text:"a\\u0000b")}', "VALIDATION_ERROR", "A string must not hold the character U+0000."),
            (
                "{echo(anything:" + "9" * 5_000 + ")}",
                "VALIDATION_ERROR",
                "A number must not have more than 40 digits.",
            ),
            (
                "{echo(ticket:{subject:null})}",
                "VALIDATION_ERROR",
                "Field 'TicketInput.subject' must not be null: leave it out instead.",
            ),
            (
                "{echo(ticket:{parent:{subject:null}})}",
                "VALIDATION_ERROR",
                "Field 'TicketInput.subject' must not be null: leave it out instead.",
            ),
            (
                '{echo(choice:{id:"1",subject:"x"})}',
                "VALIDATION_ERROR",
                ONE_OF,
            ),
            (
                "{echo(choice:{id:null})}",
                "VALIDATION_ERROR",
                ONE_OF,
            ),
        ],
    )
    def test_a_faulty_text(self, kept: Documents, text: str, code: str, message: str | None) -> None:
        found_code, messages = refusal(kept, text)
        assert found_code == code
        if message is not None:
            assert messages == [message]

    def test_null_is_taken_where_it_means_something(self, kept: Documents) -> None:
        assert kept.get("{echo(ticket:{note:null,parent:null})}").operation(None).name is None

    @pytest.mark.parametrize("fragment_first", [True, False])
    def test_a_nullable_variable_does_not_fit_a_one_of_input(
        self, kept: Documents, fragment_first: bool
    ) -> None:
        """Strawberry's own rule answers a fragment before the operation with a KeyError."""
        fragment = "fragment F on Query{echo(choice:{id:$id})}"
        operation = "query($id:ID){...F}"
        text = f"{fragment} {operation}" if fragment_first else f"{operation} {fragment}"
        assert refusal(kept, text)[0] == "GRAPHQL_VALIDATION_FAILED"

    def test_an_unknown_variable_in_a_one_of_input_is_a_plain_fault(self, kept: Documents) -> None:
        assert refusal(kept, "{echo(choice:{id:$id})}")[0] == "GRAPHQL_VALIDATION_FAILED"

    def test_at_most_twenty_errors_and_the_end(self, kept: Documents) -> None:
        _, messages = refusal(kept, "{" + " ".join(f"nope{i}" for i in range(100)) + "}")
        assert len(messages) == 21
        assert messages[-1] == "Too many validation errors, error limit reached. Validation aborted."

    def test_a_long_value_is_not_repeated_in_full(self, kept: Documents) -> None:
        _, (message,) = refusal(kept, '{echo(number:"' + "x" * 5_000 + '")}')
        assert len(message) == 501


class TestKeeping:
    def test_a_text_is_read_once_and_a_faulty_one_too(
        self, kept: Documents, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        read: list[str] = []

        def counting(text: str, **options: Any) -> Any:
            read.append(text)
            return graphql.parse(text, **options)

        monkeypatch.setattr(documents, "parse", counting)
        for text in ("{role}", "{", "{nope}"):
            assert kept.get(text) is kept.get(text)
        assert read == ["{role}", "{", "{nope}"]

    def test_a_kept_refusal_gathers_no_trace(self, kept: Documents) -> None:
        document = kept.get("{nope}")
        for _ in range(3):
            with pytest.raises(Refusal):
                document.operation(None)
        assert document.refusal is not None
        assert document.refusal.__traceback__ is None

    def test_the_number_is_bounded_and_the_oldest_goes(
        self, kept: Documents, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(documents, "MAX_DOCUMENTS", 3)
        first, second = kept.get("query A{role}"), kept.get("query B{role}")
        kept.get("query C{role}")
        assert kept.get("query A{role}") is first
        kept.get("query D{role}")
        assert len(kept) == 3
        assert kept.get("query A{role}") is first
        assert kept.get("query B{role}") is not second

    def test_the_bytes_are_bounded(self, kept: Documents, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(documents, "MAX_WEIGHT", 200_000)
        for i in range(50):
            kept.get(f"query Q{i}{{{' '.join(['role'] * 60)}}}")
        assert 2 <= len(kept) <= 20
        assert kept._weight == sum(document.weight for document in kept._kept.values())
        assert kept._weight <= 200_000

    def test_a_text_that_is_too_long_is_not_kept(self, kept: Documents) -> None:
        assert refusal(kept, "{role}" + " " * 16_000)[0] == "QUERY_TOO_COMPLEX"
        assert len(kept) == 0

    def test_one_measure_for_each_page_size_and_no_more_than_sixty_four(self, kept: Documents) -> None:
        operation = kept.get("query($n:Int){tickets(first:$n){nodes{id}}}").operation(None)
        for size in range(200):
            operation.measure({"n": size})
        assert len(operation._measures) <= 64
        assert operation.measure({"n": 7}) is operation.measure({"n": 7})


class TestVariables:
    @pytest.mark.parametrize(
        ("value", "message"),
        [
            ("a\x00", "Variable '$v' must not hold the character U+0000."),
            ("\ud800", "Variable '$v' must not hold half of a surrogate pair."),
            ({"a": ["x", "\x00"]}, "Variable '$v.a[1]' must not hold the character U+0000."),
            ({"a\x00": 1}, "Variable '$v' must not hold the character U+0000."),
            (2**63, "Variable '$v' must be a number of at most 64 bits."),
            ([-(2**63) - 1], "Variable '$v[0]' must be a number of at most 64 bits."),
        ],
    )
    def test_what_no_database_keeps_is_refused(self, value: object, message: str) -> None:
        with pytest.raises(Refusal) as refused:
            check_variables({"v": value})
        assert refused.value.errors == [{"message": message, "extensions": {"code": "VALIDATION_ERROR"}}]

    def test_nesting_has_a_limit(self) -> None:
        value: Any = 1
        for _ in range(900):
            value = {"a": [value]}
        with pytest.raises(Refusal) as refused:
            check_variables({"v": value})
        assert refused.value.errors[0]["message"] == "Variable '$v' must not be nested deeper than 64 levels."

    @pytest.mark.parametrize(
        "value", ["", "é", "\U0001f600", "\u202e", "\ufffd", 2**63 - 1, -(2**63), 1.5, True, None, [], {}]
    )
    def test_everything_else_is_taken(self, value: object) -> None:
        check_variables({"v": value})

    @pytest.mark.parametrize(
        ("declared", "value", "message"),
        [
            (
                "Int!",
                None,
                "Variable '$v' has invalid value: Expected value of non-null type 'Int!' not to be null.",
            ),
            ("Int!", True, "Variable '$v' has invalid value: Int cannot represent non-integer value: true"),
            (
                "Int!",
                "None",
                "Variable '$v' has invalid value: Int cannot represent non-integer value: 'None'",
            ),
        ],
    )
    async def test_a_wrong_value_is_told_in_words_of_json(
        self, declared: str, value: object, message: str
    ) -> None:
        graph = Graph(schema)
        prepared = graph.prepare(f"query($v:{declared}){{echo(number:$v)}}", None, {"v": value})
        with pytest.raises(Refusal) as refused:
            await graph.execute(prepared, None, "id")
        assert refused.value.code == "VALIDATION_ERROR"
        assert refused.value.errors == [
            {
                "message": message,
                "locations": [{"line": 1, "column": 7}],
                "extensions": {"code": "VALIDATION_ERROR"},
            }
        ]

    async def test_a_null_for_a_field_that_takes_none_names_no_type_of_python(self) -> None:
        graph = Graph(schema)
        query = "query($t:TicketInput){echo(ticket:$t)}"
        answer = await graph.execute(graph.prepare(query, None, {"t": {"subject": None}}), None, "id")
        assert [(each["message"], each["extensions"]) for each in answer["errors"]] == [
            ("A field of the input must not be null: leave it out instead.", {"code": "VALIDATION_ERROR"})
        ]


class TestDeadline:
    async def test_an_operation_that_takes_too_long_is_stopped(self) -> None:
        graph = Graph(schema)
        with pytest.raises(Refusal) as refused:
            await graph.execute(graph.prepare("{waitsLong}", None, None), None, "id", deadline_s=0.02)
        assert refused.value.errors == [
            {
                "message": "The operation took longer than 0.02 seconds and was stopped: "
                "ask for less at once.",
                "extensions": {"code": "TIMEOUT"},
            }
        ]
