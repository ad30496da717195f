"""A PostgreSQL that does not let us in is out, as one that is down is."""

from typing import Any

import pytest
from sqlalchemy import literal, select
from sqlalchemy.engine import make_url

from db.database import Database
from db.errors import DatabaseUnavailable
from db.statements import Statement

ONE = Statement(select(literal(1)), int)


@pytest.mark.parametrize("wrong", [{"username": "nobody_here"}, {"database": "nothing_here"}])
async def test_who_is_not_let_in_is_told_that_it_is_out(postgres_url: str, wrong: dict[str, Any]) -> None:
    address = make_url(postgres_url).set(**wrong).render_as_string(hide_password=False)
    database = Database(address)
    try:
        async with database.read() as reads:
            with pytest.raises(DatabaseUnavailable):
                await reads.rows(ONE)
        with pytest.raises(DatabaseUnavailable):
            async with database.write() as tx:
                await tx.rows(ONE)
    finally:
        await database.close()
