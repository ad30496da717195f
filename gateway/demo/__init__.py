"""A sample helpdesk to look at and to measure with: `answer demo`.

It is the support desk of Harbor, a maker of card terminals and till software, over the two years before `now`:

- **Tickets** about 30 topics from double charges to data requests (texts/*.toml), each with several cases whose subject,
  conversation, internal notes, tags and category fit one another; a few are in German, French, Spanish and Japanese.
  They come in as in real life: more from year to year, on weekdays and in office hours, the newest minutes ago.
  With few tickets (hundreds) about half are of the last weeks, so that an inbox has something to show.
- **What happens to them** follows the rules D1 to D6, D9 to D11 and D35 to the microsecond: about three replies each, a
  note in every third, reassignments, reopened ones, some that nobody answered; most SLA targets kept, some missed; every
  fourth rated. Most are closed or resolved; those that are not are mostly young. Nothing lies in the future.
- **People**: one customer for five tickets, with names from thirty parts of the world, nearly nine in ten in an
  organization (about 40 each; a few are large), some of them writing again and again. Eight agents and admins for
  200 tickets, 50 from 8,000 on; a few do most of the work. 20 categories in a tree. All addresses end in `.example`,
  which nobody can own.

The same seed, number, `now` and number of tickets in the workspace make the same rows, ids aside, however many processes
tell them (telling.py). Whatever the workspace holds stays. Run again, it ADDS tickets of new customers, and goes on with
its own staff, categories and organizations.
"""

import datetime as dt

from db.database import Database
from db.queries import bulk
from gateway.demo.arrivals import microseconds
from gateway.demo.filling import Filling, Progress, Summary
from resolvers.workspaces import DEFAULT_NAME, workspace_named

__all__ = ["Progress", "Summary", "fill"]


async def fill(
    helpdesk_db: Database,
    *,
    tickets: int,
    workspace: str = DEFAULT_NAME,
    seed: int = 1,
    now: dt.datetime,
    progress: Progress,
) -> Summary:
    """Add a sample helpdesk to the workspace, which is made when it is not there; what was added.

    It is one transaction: interrupted before its commit, it leaves nothing behind. The stages of `progress` are
    `customers`, `tickets` and `finishing`. Raises ValueError for less than one ticket, DatabaseUnavailable, WriteRaced.
    """
    if tickets < 1:
        raise ValueError("a sample helpdesk has at least one ticket")
    async with helpdesk_db.write() as tx:
        home = await workspace_named(tx, workspace, None, now)
        async with bulk.loading(tx, tickets) as put_off:
            summary = await Filling(tx, home.id, tickets, seed, microseconds(now), progress).run()
            steps = len(put_off) + 2
            progress("finishing", 0, steps)
            for done, statement in enumerate(put_off, start=1):
                await bulk.run(tx, statement)
                progress("finishing", done, steps)
        progress("finishing", steps - 1, steps)
    await bulk.tidy(helpdesk_db)
    progress("finishing", steps, steps)
    return summary
