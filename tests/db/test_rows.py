"""The structs that reads return have the columns of their tables, and their types."""

from typing import Any, get_type_hints

import pytest

from db import rows, tables
from db.statements import columns, table_of

KEPT_BACK = {
    "ApiKey": {"secret_hash"},  # nobody outside needs what a secret could be found from
    "User": {"email_key"},  # for comparing
    "Ticket": {"priority_rank"},  # for sorting
}
STRUCTS: list[Any] = [
    rows.Workspace,
    rows.Organization,
    rows.User,
    rows.ApiKey,
    rows.Category,
    rows.Ticket,
    rows.Reply,
    rows.Activity,
]


@pytest.mark.parametrize("struct", STRUCTS, ids=lambda struct: struct.__name__)
def test_a_struct_is_its_table(struct: Any) -> None:
    name = struct.__name__
    model = getattr(tables, name)
    table = table_of(model)
    assert {*struct.__struct_fields__} | KEPT_BACK.get(name, set()) == {*table.columns.keys()}
    assert [column.name for column in columns(table, struct)] == list(struct.__struct_fields__)
    hints, model_hints = get_type_hints(struct), get_type_hints(model)
    for field in struct.__struct_fields__:
        assert hints[field] == model_hints["metadata_" if field == "metadata" else field], field
        is_nullable = type(None) in getattr(hints[field], "__args__", ())
        assert table.c[field].nullable is is_nullable, field
