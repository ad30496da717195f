"""Hooks for schemathesis against a running Answer: what a JSON Schema cannot say is no fault of the document.

`make contract` runs it with these. By hand:

    SCHEMATHESIS_HOOKS=tests/contract/hooks.py schemathesis run BASE/v1/openapi.json \
        -H "Authorization: Bearer …" --exclude-checks positive_data_acceptance --exclude-operation-id revokeApiKey

Its own check wants every request accepted that the document allows. Whether row 7 exists, whether an e-mail address
is free, how deep an object may be: the document cannot say, and the documented answer is a VALIDATION_ERROR (D17, D18,
D22, D24). So here is the same check, but for refusals that are about nothing else. Its check of graphs takes every
error for a fault of the server; here is one that knows what types cannot say.
"""

from __future__ import annotations

import re
from typing import Any, Final

import schemathesis
from hypothesis import strategies
from schemathesis.graphql import nodes

ABOUT_WHAT_IS_STORED: Final = (
    "This field does not exist",
    "This field has already been taken",
    "This field must be an active agent or admin",
    "This field must be files that you added to this ticket and that no reply has yet",
    "This field must not be a private address",
    "This field must be an active user",
    "This field must not be taken from the last active admin",
    "This field must not be the category itself or one below it",
    "This field must not be after to_date",
    "This field must not be changed by yourself",
    "This field must not be switched off by yourself",
)
BEYOND_A_SCHEMA: Final = re.compile(
    r"The (first|last) field must be between 0 and 100"
    r"|The last field must not be given together with first"
    r"|The (after|before) field must be a cursor that this list gave in this order"
    r"|The from_date field must not be after to_date"
    r"|The ids field must list at most 100 values"
    r"|Invalid API key or secret"
)
"""Errors of the graph that its types cannot foretell: ranges, pairs of arguments, cursors, secrets."""


@schemathesis.check
def accepted_unless_it_is_about_what_is_stored(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case[Any]
) -> None:
    """What the document allows is done."""
    is_allowed = case.meta is not None and case.meta.generation.mode.is_positive
    if not is_allowed or response.status_code != 400:
        return
    details = response.json()["error"]["details"]
    unfair = {
        name: said
        for name, said in details.items()
        if said[0] not in ABOUT_WHAT_IS_STORED and name != "metadata"
    }
    assert not unfair, f"The document allows what the server refuses: {unfair}"


@schemathesis.check
def the_graph_answers_what_its_schema_allows(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case[Any]
) -> None:
    """Every operation that is valid runs; what is wrong with its values is said in `userErrors`."""
    is_allowed = case.meta is not None and case.meta.generation.mode.is_positive
    if not is_allowed or case.operation.path != "/graphql":
        return
    assert response.status_code == 200, response.text
    unfair = [each for each in response.json().get("errors", ()) if not _is_beyond_a_schema(each)]
    assert not unfair, f"The schema allows what the server refuses: {unfair}"


def _is_beyond_a_schema(error: dict[str, Any]) -> bool:
    is_told = error["extensions"]["code"] in ("VALIDATION_ERROR", "UNAUTHORIZED")
    return is_told and BEYOND_A_SCHEMA.fullmatch(error["message"]) is not None


for _name, _values in {
    "DateTime": strategies.datetimes().map(lambda moment: nodes.String(f"{moment.isoformat()}Z")),
    "Date": strategies.dates().map(lambda day: nodes.String(day.isoformat())),
    "JSON": strategies.just(nodes.Object(fields=[])),
    "Upload": strategies.just(nodes.Null),  # a file comes in a form only, and these are none
}.items():
    schemathesis.graphql.scalar(_name, _values)
