"""Level by level: an executor that answers a selection for all rows of a level at once.

    plan.py     what a query selects, worked out once: which fields, of which types, in which order
    fields.py   where the values of a field come from: a column, an edge, a resolver
    forms.py    what becomes of the values: leaves, lists, objects of one type or of several
    leaves.py   how scalars and enums are written
    assembly.py the function that puts the objects of a selection together, written out for it
    run.py      one run: levels are begun, edges loaded in waves, objects put together
    root.py     what the resolver of a subscription answers, before there is anything to run

It answers what it fully understands. Everything else, and whatever goes wrong on the way, is `Unserved`, and
graphql-core's executor answers the whole operation instead (docs/performance.md).
"""

from schema.levels.plan import Plans
from schema.levels.root import root_answer
from schema.levels.run import run
from schema.levels.unserved import Unserved

__all__ = ["Plans", "Unserved", "root_answer", "run"]
