"""The fixed SQL of bench/limit.py, for both engines.

`{at:…}` is an instant and `{ids}` a list of ids, which the engines spell differently; the parameters are $1, $2 … Columns
come in the order in which they are written into the answer.
"""

import re
from typing import Any, Final

_AT: Final = re.compile(r"\{at:([\w.]+)\}")
PEOPLE: Final = 'LEFT JOIN "user"'

INBOX: Final = f"""
    SELECT 'tkt_' || t.id, t.id, t.subject, upper(t.status), upper(t.priority), t.is_untouched, t.tags,
        t.public_reply_count + t.internal_note_count, {{at:t.created_at}}, {{at:t.updated_at}},
        {{at:t.first_response_at}},
        'cat_' || c.id, c.name, c.color,
        'usr_' || r.id, r.name, r.email, r.avatar_url, 'org_' || o.id, o.name, o.domain,
        'usr_' || a.id, a.name
    FROM ticket t JOIN "user" r ON r.id = t.requester_id {PEOPLE} a ON a.id = t.assigned_to_id
        LEFT JOIN category c ON c.id = t.category_id LEFT JOIN organization o ON o.id = r.organization_id
    WHERE t.workspace_id = 1 AND t.status IN ('open', 'pending')
    ORDER BY t.updated_at DESC, t.id DESC LIMIT 21"""
INBOX_COUNT: Final = "SELECT count(*) FROM ticket WHERE workspace_id = 1 AND status IN ('open', 'pending')"
LAST_REPLIES: Final = """
    SELECT p.ticket_id, 'rpl_' || p.id, p.content, p.is_internal, {at:p.created_at},
        'usr_' || u.id, u.name, upper(u.type)
    FROM (SELECT *, row_number() OVER (PARTITION BY ticket_id ORDER BY created_at DESC, id DESC) AS place
        FROM reply WHERE ticket_id {ids}) p JOIN "user" u ON u.id = p.author_id
    WHERE p.place <= 2 ORDER BY p.ticket_id, p.place DESC"""
FIRST_REPLIES: Final = """
    SELECT p.ticket_id, 'rpl_' || p.id, p.content, 'usr_' || u.id, u.name
    FROM (SELECT *, row_number() OVER (PARTITION BY ticket_id ORDER BY created_at, id) AS place
        FROM reply WHERE ticket_id {ids}) p JOIN "user" u ON u.id = p.author_id
    WHERE p.place <= 3 ORDER BY p.ticket_id, p.place"""
TICKET: Final = f"""
    SELECT t.id, t.version, t.subject, t.content, t.content_html, t.status, t.priority, t.tags, t.metadata,
        t.public_reply_count + t.internal_note_count, {{at:t.created_at}}, {{at:t.updated_at}},
        {{at:t.first_response_at}}, {{at:t.resolved_at}},
        {{at:t.first_resolved_at}}, {{at:t.closed_at}}, t.reopen_count, t.is_untouched,
        c.id, c.name, c.slug, c.color,
        r.id, r.name, r.email, r.avatar_url, r.type, o.id, o.name,
        a.id, a.name, a.email
    FROM ticket t JOIN "user" r ON r.id = t.requester_id {PEOPLE} a ON a.id = t.assigned_to_id
        LEFT JOIN category c ON c.id = t.category_id LEFT JOIN organization o ON o.id = r.organization_id
    WHERE t.id = $1"""
REPLIES: Final = """
    SELECT p.id, p.content, p.content_html, p.is_internal, {at:p.created_at}, u.id, u.name, u.type
    FROM reply p JOIN "user" u ON u.id = p.author_id
    WHERE p.ticket_id = $1 ORDER BY p.created_at, p.id LIMIT 101"""
ACTIVITY: Final = f"""
    SELECT l.action, l.from_value, l.to_value, {{at:l.created_at}}, u.id, u.name
    FROM activity l {PEOPLE} u ON u.id = l.user_id
    WHERE l.ticket_id = $1 ORDER BY l.created_at, l.id LIMIT 101"""
WATCHERS: Final = """
    SELECT u.id, u.name FROM watcher w JOIN "user" u ON u.id = w.user_id
    WHERE w.ticket_id = $1 ORDER BY w.created_at, w.user_id"""
FILES: Final = """
    SELECT id, filename, original_filename, file_size, mime_type, reply_id FROM attachment
    WHERE ticket_id = $1 ORDER BY id"""
ORGANIZATION: Final = """
    SELECT 'org_' || id, id, name, domain, user_count,
        (SELECT count(*) FROM ticket WHERE ticket.organization_id = organization.id), {at:created_at}
    FROM organization WHERE id = $1"""
USERS: Final = """
    SELECT id, 'usr_' || id, name, email, ticket_count FROM "user"
    WHERE organization_id = $1 ORDER BY id LIMIT 10"""
TICKETS_OF_USERS: Final = f"""
    SELECT p.requester_id, p.id, 'tkt_' || p.id, p.subject, upper(p.status), 'usr_' || u.id, u.name
    FROM (SELECT *, row_number() OVER (PARTITION BY requester_id ORDER BY created_at DESC, id DESC) AS place
        FROM ticket WHERE requester_id {{ids}}) p {PEOPLE} u ON u.id = p.assigned_to_id
    WHERE p.place <= 5 ORDER BY p.requester_id, p.place"""
WAITING: Final = """
    SELECT 'tkt_' || id, subject, upper(priority) FROM ticket
    WHERE organization_id = $1 AND status IN ('open', 'pending')
    ORDER BY created_at DESC, id DESC LIMIT 10"""
WAITING_COUNT: Final = (
    "SELECT count(*) FROM ticket WHERE organization_id = $1 AND status IN ('open', 'pending')"
)
REST_LIST: Final = f"""
    SELECT t.id, t.subject, t.content, t.status, t.priority, c.id, c.name, r.id, r.name, r.email, a.id, a.name,
        t.tags, t.public_reply_count + t.internal_note_count, {{at:t.created_at}}, {{at:t.updated_at}},
        {{at:t.first_response_at}}, {{at:t.resolved_at}}
    FROM ticket t JOIN "user" r ON r.id = t.requester_id {PEOPLE} a ON a.id = t.assigned_to_id
        LEFT JOIN category c ON c.id = t.category_id
    WHERE t.workspace_id = 1 AND t.status = 'open' ORDER BY t.created_at DESC, t.id DESC LIMIT 20"""
REST_COUNT: Final = "SELECT count(*) FROM ticket WHERE workspace_id = 1 AND status = 'open'"

REQUESTER: Final = 'SELECT id, organization_id FROM "user" WHERE workspace_id = 1 AND email_key = $1'
ADD_TICKET: Final = """
    INSERT INTO ticket (workspace_id, subject, content, content_html, status, priority, requester_id,
        organization_id, category_id, tags, metadata, is_untouched, version, created_at, updated_at)
    VALUES (1, $1, $2, $3, 'open', $4, $5, $6, $7, $8, '{}', true, 1, $9, $10) RETURNING id"""
ADD_TAG: Final = "INSERT INTO tag (workspace_id, ticket_id, name) VALUES (1, $1, $2)"
ADD_ENTRY: Final = """
    INSERT INTO activity (workspace_id, ticket_id, user_id, action, is_internal, created_at)
    VALUES (1, $1, $2, 'created', false, $3)"""
ADD_REPLY: Final = """
    INSERT INTO reply (workspace_id, ticket_id, author_id, content, content_html, is_internal, created_at)
    VALUES (1, $1, $2, $3, $4, false, $5) RETURNING id"""
TOUCH_TICKET: Final = """
    UPDATE ticket SET public_reply_count = public_reply_count + 1, version = version + 1, updated_at = $1
    WHERE id = $2"""


def for_engine(statement: str, *, is_sqlite: bool) -> str:
    """The statement as the engine takes it."""
    if not is_sqlite:
        return _AT.sub(r"\1", statement).replace("{ids}", "= ANY ($1::bigint[])")
    written = _AT.sub(r"replace(\1, ' ', 'T') || 'Z'", statement)
    return re.sub(r"\$\d+", "?", written.replace("{ids}", "IN (SELECT value FROM json_each($1))"))


def value_for(value: Any, *, is_sqlite: bool) -> Any:
    """An instant or a list of ids as the engine takes it."""
    if not is_sqlite:
        return value
    if isinstance(value, list):
        return str(value)
    return value.isoformat(" ").removesuffix("+00:00")
