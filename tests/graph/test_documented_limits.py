"""docs/graphql.md tells every limit, as it is."""

import math
import re
from pathlib import Path

from gateway.graphql import turns
from resolvers import jobs, paging, ticket_filters
from schema import documents, execution, limits, validation
from schema.root import schema

DOCS = (Path(__file__).parents[2] / "docs" / "graphql.md").read_text()
ROW = re.compile(r"^\| (.+?) \| (.+?) \|$", re.MULTILINE)
FIGURES = {
    "length of the document": (
        limits.MAX_CHARACTERS,
        limits.MAX_TOKENS,
        limits.MAX_COMMENTS,
        limits.MAX_OPERATIONS,
    ),
    "the same field": (math.isqrt(limits.MAX_COMPARISONS) // 10 * 10,),
    "nesting": (limits.MAX_DEPTH,),
    "root fields, mutations": (limits.MAX_ROOT_FIELDS, limits.MAX_MUTATIONS),
    "aliases, directives": (limits.MAX_ALIASES, limits.MAX_DIRECTIVES),
    "nodes": (limits.MAX_NODES,),
    "cost": (limits.MAX_COST,),
    "time": (int(execution.DEADLINE_S),),
    "a page, a list of ids": (limits.MAX_PAGE,),
    "a filter": (ticket_filters.DEEPEST, ticket_filters.LONGEST_LIST, ticket_filters.MOST_CONDITIONS),
    "subscriptions at once": (turns.SUBSCRIPTIONS,),
    "variables": (
        execution.MAX_VARIABLE_DEPTH,
        execution.MAX_VARIABLE_OBJECTS,
        execution.MAX_VARIABLE_VALUES,
        64,
    ),
    "numbers in the document": (validation.MAX_DIGITS,),
    "introspection": (limits.MAX_INTROSPECTION_DEPTH, limits.MAX_INTROSPECTION_NODES),
}
INSIDE = {
    # how much is remembered and told, which refuses nobody
    *("MAX_DOCUMENTS", "MAX_WEIGHT", "MAX_ERRORS", "MAX_MEASURES", "MAX_PLANS", "MAX_COERCION_ERRORS"),
    "MAX_MESSAGE",
}


def test_every_figure_is_documented() -> None:
    section = DOCS.partition("\n## Limits\n")[2].partition("\n## ")[0]
    told = dict(ROW.findall(section))
    for limit, figures in FIGURES.items():
        found = [
            number.replace(",", "") for number in re.findall(r"\d[\d,]*", told[limit].partition("U+")[0])
        ]
        assert found[: len(figures)] == [str(each) for each in figures], limit


def test_how_long_events_are_kept_is_documented() -> None:
    assert f"Events are kept for {jobs.KEPT_FOR.days} days" in " ".join(DOCS.split())


def test_the_subscription_of_the_page_fits_the_schema() -> None:
    section = DOCS.partition("\n## Subscriptions\n")[2].partition("\n## ")[0]
    [example] = re.findall(r"```graphql\n(.+?)```", section, re.DOTALL)
    assert documents.Documents(schema._schema).get(example).operation("TicketChanged").root_fields == {
        "ticketChanged"
    }


def test_every_limit_of_the_graph_has_its_row() -> None:
    declared = {
        value
        for module in (limits, documents, execution, validation)
        for name, value in vars(module).items()
        if name.startswith("MAX_") and name not in INSIDE
    }
    told = {figure for figures in FIGURES.values() for figure in figures}
    assert declared <= told | {limits.MAX_COMPARISONS}  # told as its root: how often one field may be named
    assert limits.MAX_PAGE == paging.LARGEST_PAGE
