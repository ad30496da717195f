"""What must agree in any helpdesk, however it came to be: counters with the rows they count, times with each other.

Each statement counts what is wrong. Totals are looked at once they are folded, so `not folded` is wrong too.
"""

from typing import Any, Final

from sqlalchemy import text

from db.database import Database
from tests.contents import assert_added_up, tables_of

WRONG: Final = {
    "users' ticket_count": 'SELECT count(*) FROM "user" u WHERE ticket_count <> '
    "(SELECT count(*) FROM ticket WHERE requester_id = u.id)",
    "organizations' user_count": "SELECT count(*) FROM organization o WHERE user_count <> "
    '(SELECT count(*) FROM "user" WHERE organization_id = o.id)',
    "tickets counted altogether": "SELECT (SELECT sum(amount) FROM ticket_tally WHERE facet = 'all') "
    "- (SELECT count(*) FROM ticket)",
    "not folded": "SELECT (SELECT count(*) FROM ticket_tally_change) + (SELECT count(*) FROM work_change)",
    "replies of the staff": 'SELECT count(*) FROM reply JOIN "user" u ON u.id = author_id '
    "WHERE is_by_staff = (u.type = 'customer')",
    "tickets of each category": "SELECT count(*) FROM ticket_tally c WHERE facet = 'category' AND amount <> "
    "(SELECT count(*) FROM ticket t WHERE coalesce(category_id, 0) = facet_id AND t.workspace_id = c.workspace_id "
    "AND t.status = c.status AND t.priority = c.priority)",
    "tickets of every category": "SELECT (SELECT sum(amount) FROM ticket_tally WHERE facet = 'category') "
    "- (SELECT count(*) FROM ticket)",
    "tickets of each organization": "SELECT count(*) FROM ticket_tally c WHERE facet = 'organization' AND amount <> "
    "(SELECT count(*) FROM ticket t WHERE coalesce(organization_id, 0) = facet_id AND t.workspace_id = c.workspace_id "
    "AND t.status = c.status AND t.priority = c.priority)",
    "tickets of every organization": "SELECT (SELECT sum(amount) FROM ticket_tally WHERE facet = 'organization') "
    "- (SELECT count(*) FROM ticket)",
    "tickets of each assignee": "SELECT count(*) FROM ticket_tally c WHERE facet = 'assignee' AND amount <> "
    "(SELECT count(*) FROM ticket t WHERE coalesce(assigned_to_id, 0) = facet_id AND t.workspace_id = c.workspace_id "
    "AND t.status = c.status AND t.priority = c.priority)",
    "tickets of every assignee": "SELECT (SELECT sum(amount) FROM ticket_tally WHERE facet = 'assignee') "
    "- (SELECT count(*) FROM ticket)",
    "public_reply_count": "SELECT count(*) FROM ticket t WHERE public_reply_count <> "
    "(SELECT count(*) FROM reply WHERE ticket_id = t.id AND NOT is_internal)",
    "internal_note_count": "SELECT count(*) FROM ticket t WHERE internal_note_count <> "
    "(SELECT count(*) FROM reply WHERE ticket_id = t.id AND is_internal)",
    "organization_id": 'SELECT count(*) FROM ticket t JOIN "user" u ON u.id = requester_id '
    "WHERE coalesce(t.organization_id, 0) <> coalesce(u.organization_id, 0)",
    "resolved_at": "SELECT count(*) FROM ticket "
    "WHERE (resolved_at IS NULL) = (status IN ('resolved', 'closed'))",
    "closed_at": "SELECT count(*) FROM ticket WHERE (closed_at IS NULL) = (status = 'closed')",
    "first_resolved_at": "SELECT count(*) FROM ticket WHERE first_resolved_at > resolved_at",
    "first_response_at": "SELECT count(*) FROM ticket t WHERE coalesce(CAST(first_response_at AS text), '') <> "
    "coalesce((SELECT CAST(min(r.created_at) AS text) FROM reply r "
    'JOIN "user" u ON u.id = author_id WHERE ticket_id = t.id AND NOT is_internal '
    "AND u.type <> 'customer' AND author_id <> requester_id), '')",
    "order of replies": "SELECT count(*) FROM reply a JOIN reply b ON a.ticket_id = b.ticket_id "
    "AND a.id < b.id AND a.created_at >= b.created_at",
    "order of the log": "SELECT count(*) FROM activity a JOIN activity b ON a.ticket_id = b.ticket_id "
    "AND a.id < b.id AND a.created_at >= b.created_at",
    "updated_at before a reply": "SELECT count(*) FROM ticket t JOIN reply r ON ticket_id = t.id "
    "WHERE t.updated_at < r.created_at",
    "updated_at before the log": "SELECT count(*) FROM ticket t JOIN activity a ON ticket_id = t.id "
    "WHERE t.updated_at < a.created_at",
    "untouched, but the log says otherwise": "SELECT count(*) FROM ticket t WHERE is_untouched = "
    "EXISTS (SELECT 1 FROM activity WHERE ticket_id = t.id AND from_value = 'new')",
    "assigned to somebody who may not work": 'SELECT count(*) FROM ticket t JOIN "user" u '
    "ON u.id = assigned_to_id WHERE u.type = 'customer' OR NOT u.is_active OR u.workspace_id <> t.workspace_id",
    "not in the search index": "SELECT (SELECT count(*) FROM ticket) - (SELECT count(*) FROM ticket_search)",
    "user not in the search index": 'SELECT (SELECT count(*) FROM "user") - (SELECT count(*) FROM user_search)',
    "younger than its requester": 'SELECT count(*) FROM ticket t JOIN "user" u ON u.id = requester_id '
    "WHERE t.created_at < u.created_at",
    "rated while open": "SELECT count(*) FROM rating r WHERE NOT EXISTS (SELECT 1 FROM ticket "
    "WHERE id = r.ticket_id AND requester_id = r.requester_id AND first_resolved_at < r.created_at)",
    "waiting, though the last word is the staff's": "SELECT count(*) FROM ticket t WHERE waiting_since IS NOT NULL "
    "AND EXISTS (SELECT 1 FROM reply WHERE ticket_id = t.id AND waiting_since >= t.waiting_since)",
    "paused, but not pending": "SELECT count(*) FROM ticket WHERE paused_at IS NOT NULL AND status <> 'pending'",
    "without targets": "SELECT count(*) FROM ticket WHERE first_response_due_at IS NULL OR resolution_due_at IS NULL",
    "without a created line": "SELECT count(*) FROM ticket t WHERE 1 <> (SELECT count(*) FROM activity a "
    "WHERE ticket_id = t.id AND action = 'created' AND a.created_at = t.created_at)",
}


async def scalar(database: Database, sql: str) -> Any:
    """The first value of the first row."""
    async with database.engine.connect() as connection:
        return (await connection.execute(text(sql))).scalar()


async def wrong(database: Database) -> dict[str, int]:
    """What does not agree, and how often; empty when all is well. Figures that do not add up are an AssertionError."""
    assert_added_up(await tables_of(database))
    found = {what: await scalar(database, sql) for what, sql in WRONG.items()}
    return {what: count for what, count in found.items() if count}
