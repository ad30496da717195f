"""Piles: tables of changes that are only ever added to, so that nobody waits, until somebody takes them to fold them."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from sqlalchemy import BigInteger, Table, bindparam, delete, select

from db.database import Tx
from db.statements import Statement
from db.types import ListOf, any_of

Change = TypeVar("Change")


class Pile(Generic[Change]):
    """The rows of one table, oldest first; `make_change` is called with these columns in order."""

    def __init__(self, table: Table, columns: Sequence[str], make_change: Callable[..., Change]) -> None:
        oldest = select(table.c.id).order_by(table.c.id).limit(bindparam("most", type_=BigInteger()))
        self.waiting: Statement[int] = Statement(oldest, int)
        """The ids of the oldest that nobody has taken yet, at most `most`."""
        self._claim: Statement[int] = Statement(oldest.with_for_update(skip_locked=True), int)
        # two statements: a planner may run a subquery with a LIMIT twice, and take more than was asked for
        self._remove = (
            delete(table)
            .where(any_of(table.c.id, bindparam("ids", type_=ListOf(BigInteger()))))
            .returning(*(table.c[name] for name in columns))
        )
        self._make_change = make_change

    async def take(self, tx: Tx, most: int) -> list[Change]:
        """Take at most so many off the pile, none that another is taking."""
        ids = await tx.rows(self._claim, most=most)
        return await tx.returning(self._remove, self._make_change, ids=ids) if ids else []
