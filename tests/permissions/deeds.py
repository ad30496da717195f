"""The table: every root field of the graph and every route of REST, how it is asked, and what each role gets.

The columns are ROLES of world.py, with `shut` behind the owner: the colleague where customers do not see the tickets of
their organization. A field or a route that has no row here fails tests/permissions/test_matrix.py.
"""

from typing import Any, Final, NamedTuple

COLUMNS: Final = ("owner", "shut", "colleague", "outsider", "agent", "admin", "stranger")
WORDS: Final = {
    "ok": "ok",
    "-": "NOT_FOUND",
    "no": "FORBIDDEN",
    "wrong": "VALIDATION_ERROR",
    "clash": "CONFLICT",
}
"""`-` is null in the graph and 404 in REST: the caller may not know that it is there (D34)."""

EVERYBODY: Final = "ok ok ok ok ok ok ok"
"""What is the caller's own, or a list of what they may see."""
THEIRS: Final = "ok - ok - ok ok -"
"""The ticket and whatever belongs to it."""
OF_ORGANIZATION: Final = "ok ok ok - ok ok -"
STAFFS: Final = "no no no no ok ok ok"
STAFFS_THINGS: Final = "no no no no ok ok -"
ADMINS: Final = "no no no no no ok ok"
ADMINS_THINGS: Final = "no no no no no ok -"


class Deed(NamedTuple):
    """One deed through the doors that have it.

    `field` with its `arguments`, and `routes` with their `body`; `{kind}` stands for an id of the world. `needs` is what
    is made anew for each caller, as the deed ends it.
    """

    outcomes: str
    field: str | None = None
    arguments: dict[str, Any] = {}  # noqa: RUF012  # read only
    routes: tuple[str, ...] = ()
    body: Any = None
    needs: str | None = None


SUBJECT: Final = {"subject": "x", "content": "x"}
HOOK: Final = {"url": "https://93.184.216.34/", "events": ["category.created"]}
INBOX: Final = {"category": ["{category}"], "requester": ["{ada}"], "organization": ["{organization}"]}
FILTER: Final = INBOX | {"assignedTo": {"ids": ["{agent}"]}}

DEEDS: Final = (
    # --- looking -------------------------------------------------------------------------------------------------
    Deed(EVERYBODY, "Query.viewer"),
    Deed(EVERYBODY, "Query.workspace"),
    Deed(EVERYBODY, "Query.rateLimit"),
    Deed(THEIRS, "Query.node", {"id": "{ticket}"}),
    Deed(THEIRS, "Query.node", {"id": "{reply}"}),
    Deed("- - - - ok ok -", "Query.node", {"id": "{note}"}),
    Deed("- - - - ok ok -", "Query.node", {"id": "{note_attachment}"}),
    Deed("- - - - - ok -", "Query.node", {"id": "{webhook}"}),
    Deed("- - - - - ok -", "Query.node", {"id": "{delivery}"}),
    Deed("- - - - - ok -", "Query.node", {"id": "{api_key}"}),
    Deed(THEIRS, "Query.nodes", {"ids": ["{ticket}"]}),
    Deed(THEIRS, "Query.ticket", {"id": "{ticket}"}, ("GET /v1/tickets/{ticket}",)),
    Deed(EVERYBODY, "Query.tickets", {"filter": FILTER}, ("GET /v1/tickets?category_id={category}",)),
    Deed(EVERYBODY, "Query.tickets", {"filter": {"and": [FILTER]}}, ("GET /v1/tickets?assigned_to={agent}",)),
    Deed(EVERYBODY, "Query.tickets", {"filter": {"or": [FILTER]}}),
    Deed(EVERYBODY, "Query.tickets", {"filter": {"not": FILTER}}),
    Deed(THEIRS, None, {}, ("GET /v1/tickets/{ticket}/replies",)),
    Deed(THEIRS, None, {}, ("GET /v1/tickets/{ticket}/rating",)),
    Deed(
        THEIRS,
        "Query.node",
        {"id": "{attachment}"},
        ("GET /v1/attachments/{attachment}", "GET /v1/attachments/{attachment}/download"),
    ),
    Deed(
        "- - - - ok ok -",
        None,
        {},
        ("GET /v1/attachments/{note_attachment}", "GET /v1/attachments/{note_attachment}/download"),
    ),
    Deed(THEIRS, "Query.user", {"id": "{ada}"}, ("GET /v1/users/{ada}",)),
    Deed("ok ok ok ok ok ok -", "Query.user", {"id": "{agent}"}, ("GET /v1/users/{agent}",)),
    Deed(
        STAFFS,
        "Query.users",
        {"filter": {"organization": ["{organization}"]}},
        ("GET /v1/users?organization_id={organization}",),
    ),
    Deed(
        OF_ORGANIZATION,
        "Query.organization",
        {"id": "{organization}"},
        ("GET /v1/organizations/{organization}",),
    ),
    Deed(STAFFS, "Query.organizations", {}, ("GET /v1/organizations",)),
    Deed("ok ok ok ok ok ok -", "Query.category", {"id": "{category}"}, ("GET /v1/categories/{category}",)),
    Deed(EVERYBODY, "Query.categories", {}, ("GET /v1/categories",)),
    Deed(STAFFS, "Query.stats", {}, ("GET /v1/stats/overview", "GET /v1/stats/agents")),
    Deed(
        ADMINS_THINGS,
        "Query.webhook",
        {"id": "{webhook}"},
        ("GET /v1/webhooks/{webhook}", "GET /v1/webhooks/{webhook}/deliveries"),
    ),
    Deed(ADMINS, "Query.webhooks", {}, ("GET /v1/webhooks",)),
    Deed(ADMINS_THINGS, "Query.apiKey", {"id": "{api_key}"}, ("GET /v1/api-keys/{api_key}",)),
    Deed(ADMINS, "Query.apiKeys", {}, ("GET /v1/api-keys",)),
    # --- what is followed: a subscription that begins is `ok` -----------------------------------------------------
    Deed(THEIRS, "Subscription.ticketChanged", {"id": "{ticket}"}),
    Deed(EVERYBODY, "Subscription.events", {"types": ["*"]}),
    # --- tickets -------------------------------------------------------------------------------------------------
    Deed(  # customers open tickets as themselves
        "ok wrong wrong wrong ok ok ok",
        "Mutation.ticketCreate",
        {"input": SUBJECT | {"requesterEmail": "owner@acme.test"}},
        ("POST /v1/tickets",),
        SUBJECT | {"requester_email": "owner@acme.test"},
    ),
    Deed(  # and do not say where they go
        "wrong wrong wrong wrong ok ok wrong",
        "Mutation.ticketCreate",
        {
            "input": SUBJECT
            | {"requesterEmail": "owner@acme.test", "categoryId": "{category}", "assignedTo": "{agent}"}
        },
        ("POST /v1/tickets",),
        SUBJECT
        | {"requester_email": "owner@acme.test", "category_id": "{category}", "assigned_to": "{agent}"},
    ),
    Deed(
        "no - no - ok ok -",
        "Mutation.ticketUpdate",
        {
            "id": "{ticket}",
            "input": {"priority": "LOW", "categoryId": "{category}", "assignedTo": "{agent}"},
        },
        ("PUT /v1/tickets/{ticket}", "PATCH /v1/tickets/{ticket}"),
        {"priority": "low", "category_id": "{category}", "assigned_to": "{agent}"},
    ),
    Deed(  # their own, and `resolved` alone (D3)
        "ok - no - ok ok -",
        "Mutation.ticketUpdate",
        {"id": "{ticket}", "input": {"status": "RESOLVED"}},
        ("PUT /v1/tickets/{ticket}", "PATCH /v1/tickets/{ticket}"),
        {"status": "resolved"},
    ),
    Deed(
        STAFFS_THINGS,
        "Mutation.ticketDelete",
        {"id": "{ticket}"},
        ("DELETE /v1/tickets/{ticket}",),
        needs="ticket",
    ),
    Deed(
        STAFFS_THINGS,
        "Mutation.ticketWatch",
        {"id": "{ticket}", "userId": "{agent}"},
        ("POST /v1/tickets/{ticket}/watchers",),
        {"user_id": "{agent}"},
    ),
    Deed(
        STAFFS_THINGS,
        "Mutation.ticketUnwatch",
        {"id": "{ticket}", "userId": "{agent}"},
        ("DELETE /v1/tickets/{ticket}/watchers/{agent}",),
        needs="ticket",
    ),
    Deed(  # who asked rates
        "ok - no - no no -",
        "Mutation.ticketRate",
        {"id": "{ticket}", "rating": 5},
        ("POST /v1/tickets/{ticket}/rating",),
        {"rating": 5},
        needs="resolved ticket",
    ),
    Deed(
        THEIRS,
        "Mutation.replyCreate",
        {"ticketId": "{ticket}", "input": {"content": "x"}},
        ("POST /v1/tickets/{ticket}/replies",),
        {"content": "x"},
    ),
    Deed(  # a note is the staff's
        "no - no - ok ok -",
        "Mutation.replyCreate",
        {"ticketId": "{ticket}", "input": {"content": "x", "isInternal": True}},
        ("POST /v1/tickets/{ticket}/replies",),
        {"content": "x", "is_internal": True},
    ),
    Deed(  # a file goes with the reply of who sent it
        "ok - wrong - wrong wrong -",
        "Mutation.replyCreate",
        {"ticketId": "{ticket}", "input": {"content": "x", "attachmentIds": ["{attachment}"]}},
        ("POST /v1/tickets/{ticket}/replies",),
        {"content": "x", "attachment_ids": ["{attachment}"]},
        needs="attachment",
    ),
    Deed(
        THEIRS,
        "Mutation.attachmentCreate",
        {"ticketId": "{ticket}"},
        ("POST /v1/tickets/{ticket}/attachments",),
        {},
    ),
    Deed(
        "wrong - wrong - ok ok -",
        "Mutation.attachmentCreate",
        {"ticketId": "{ticket}", "replyId": "{note}"},
        ("POST /v1/tickets/{ticket}/attachments",),
        {"reply_id": "{note}"},
    ),
    Deed(  # who sent it, and the staff
        "ok - no - ok ok -",
        "Mutation.attachmentDelete",
        {"id": "{attachment}"},
        ("DELETE /v1/attachments/{attachment}",),
        needs="attachment",
    ),
    # --- people and places ---------------------------------------------------------------------------------------
    Deed(
        "no no no no ok ok wrong",
        "Mutation.userCreate",
        {"input": {"name": "x", "email": "NEW", "organizationId": "{organization}"}},
        ("POST /v1/users",),
        {"name": "x", "email": "NEW", "organization_id": "{organization}"},
    ),
    Deed(  # agents make customers, admins make agents
        ADMINS,
        "Mutation.userCreate",
        {"input": {"name": "x", "email": "NEW", "type": "AGENT"}},
        ("POST /v1/users",),
        {"name": "x", "email": "NEW", "type": "agent"},
    ),
    Deed(
        STAFFS_THINGS,
        "Mutation.userUpdate",
        {"id": "{ada}", "input": {"name": "Ada", "organizationId": "{organization}"}},
        ("PUT /v1/users/{ada}", "PATCH /v1/users/{ada}"),
        {"name": "Ada", "organization_id": "{organization}"},
    ),
    Deed(  # agents change customers, and nobody of the staff
        ADMINS_THINGS,
        "Mutation.userUpdate",
        {"id": "{agent}", "input": {"name": "Agent"}},
        ("PUT /v1/users/{agent}", "PATCH /v1/users/{agent}"),
        {"name": "Agent"},
    ),
    Deed(
        ADMINS_THINGS,
        "Mutation.userDelete",
        {"id": "{customer}"},
        ("DELETE /v1/users/{customer}",),
        needs="customer",
    ),
    Deed(
        STAFFS,
        "Mutation.organizationCreate",
        {"input": {"name": "x"}},
        ("POST /v1/organizations",),
        {"name": "x"},
    ),
    Deed(
        STAFFS_THINGS,
        "Mutation.organizationUpdate",
        {"id": "{organization}", "input": {"name": "Acme"}},
        ("PUT /v1/organizations/{organization}", "PATCH /v1/organizations/{organization}"),
        {"name": "Acme"},
    ),
    Deed(
        STAFFS_THINGS,
        "Mutation.organizationDelete",
        {"id": "{organization}"},
        ("DELETE /v1/organizations/{organization}",),
        needs="organization",
    ),
    Deed(
        "no no no no ok ok wrong",
        "Mutation.categoryCreate",
        {"input": {"name": "x", "parentId": "{category}"}},
        ("POST /v1/categories",),
        {"name": "x", "parent_id": "{category}"},
    ),
    Deed(
        STAFFS_THINGS,
        "Mutation.categoryUpdate",
        {"id": "{category}", "input": {"parentId": "{parent}"}},
        ("PUT /v1/categories/{category}", "PATCH /v1/categories/{category}"),
        {"parent_id": "{parent}"},
        needs="parent",
    ),
    Deed(
        STAFFS_THINGS,
        "Mutation.categoryDelete",
        {"id": "{category}"},
        ("DELETE /v1/categories/{category}",),
        needs="category",
    ),
    # --- what admins have to do with -----------------------------------------------------------------------------
    Deed(ADMINS, "Mutation.webhookCreate", {"input": HOOK}, ("POST /v1/webhooks",), HOOK),
    Deed(
        ADMINS_THINGS,
        "Mutation.webhookUpdate",
        {"id": "{webhook}", "input": {"isActive": True}},
        ("PUT /v1/webhooks/{webhook}", "PATCH /v1/webhooks/{webhook}"),
        {"is_active": True},
    ),
    Deed(
        ADMINS_THINGS,
        "Mutation.webhookRotateSecret",
        {"id": "{webhook}"},
        ("POST /v1/webhooks/{webhook}/rotate-secret",),
    ),
    Deed(ADMINS_THINGS, "Mutation.webhookTest", {"id": "{webhook}"}, ("POST /v1/webhooks/{webhook}/test",)),
    Deed(
        ADMINS_THINGS,
        "Mutation.deliveryRedeliver",
        {"id": "{delivery}"},
        ("POST /v1/webhooks/{webhook}/deliveries/{delivery}/redeliver",),
    ),
    Deed(
        ADMINS_THINGS,
        "Mutation.webhookDelete",
        {"id": "{webhook}"},
        ("DELETE /v1/webhooks/{webhook}",),
        needs="webhook",
    ),
    Deed(
        "no no no no no ok wrong",
        "Mutation.apiKeyCreate",
        {"input": {"userId": "{customer}"}},
        ("POST /v1/api-keys",),
        {"user_id": "{customer}"},
    ),
    Deed(
        ADMINS_THINGS,
        "Mutation.apiKeyRevoke",
        {"id": "{api_key}"},
        ("DELETE /v1/api-keys/{api_key}",),
        needs="api_key",
    ),
)

PUBLIC_FIELDS: Final = {"Mutation.tokenCreate"}
PUBLIC_ROUTES: Final = {"GET /health", "POST /v1/auth/token"}
"""What answers without a token, and so has no rows."""
PUBLIC_PATHS: Final = {
    "/graphql",
    "/graphql/schema",
    "/graphql/static/{name:path}",
    "/metrics",
    "/v1/openapi.json",
    "/v1/docs",
}
"""What the application serves beside the documented calls: for anybody, and of nobody's data. `/graphql` asks for a token
by the field."""
