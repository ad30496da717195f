"""Who sees what, said once: conditions that every list, count, search and look-up of a noun starts from (D25, D34, D36).

Staff see their workspace. Customers see their own tickets, and those of their organization when the workspace allows
it; of the people, themselves, the staff, and their colleagues under the same rule; never an internal note.
"""

from db import rows
from db.conditions import Condition
from resolvers.context import Caller

Conditions = tuple[Condition, ...]


def visible_tickets(caller: Caller) -> Conditions:
    """The tickets the caller may see."""
    own = _workspace(caller)
    if caller.is_staff:
        return own
    if not caller.sees_organization:
        return (*own, ("requester", (caller.user_id,)))
    mine = (("requester", (caller.user_id,)),)
    ours = (("organization", (caller.organization_id,)),)
    return (*own, ("or", (mine, ours)))


def visible_users(caller: Caller) -> Conditions:
    """The people the caller may look up by id."""
    own = _workspace(caller)
    if caller.is_staff:
        return own
    groups: list[Conditions] = [(("id", caller.user_id),), (("type", ("agent", "admin")),)]
    if caller.sees_organization:
        groups.append((("organization", (caller.organization_id,)),))
    return (*own, ("or", tuple(groups)))


def sees_user(caller: Caller, row: rows.User) -> bool:
    """The same of a row that is at hand: watchers come with their ticket."""
    is_colleague = caller.sees_organization and row.organization_id == caller.organization_id
    return caller.is_staff or row.type != "customer" or row.id == caller.user_id or is_colleague


def visible_colleagues(caller: Caller) -> Conditions:
    """The people the caller may see listed in an organization: for a customer, no staff among them."""
    if caller.is_staff:
        return _workspace(caller)
    if caller.sees_organization:
        return (*_workspace(caller), ("organization", (caller.organization_id,)))
    return (*_workspace(caller), ("id", caller.user_id))


def visible_organizations(caller: Caller) -> Conditions:
    """The organizations the caller may look up: for a customer, their own."""
    if caller.is_staff:
        return _workspace(caller)
    return (*_workspace(caller), ("id", caller.organization_id or 0))


def visible_categories(caller: Caller) -> Conditions:
    """The categories: everybody of the workspace reads them."""
    return _workspace(caller)


def visible_api_keys(caller: Caller) -> Conditions:
    """The API keys: those of the workspace, for who may look at keys at all."""
    return _workspace(caller)


def visible_notes(caller: Caller) -> Conditions:
    """The replies, notes and log lines of a ticket the caller sees: customers see the public ones (D25)."""
    return _workspace(caller) if caller.is_staff else (*_workspace(caller), ("public", True))


def visible_events(caller: Caller) -> Conditions:
    """The events the caller may hear of: customers hear of tickets they see, and of no note (D25).

    Of a ticket that is gone whoever saw it last hears that.
    """
    own = _workspace(caller)
    if caller.is_staff:
        return own
    groups: list[Conditions] = [(("requester", [caller.user_id]),)]
    if caller.sees_organization:
        groups.append((("organization", [caller.organization_id]),))
    return (*own, ("public", None), ("or", tuple(groups)))


def may_hear(caller: Caller, row: rows.FeedEvent) -> bool:
    """The same of an event that is at hand, by its ticket as it was then: customers' are asked of again (D25)."""
    if row.workspace_id != caller.workspace_id:
        return False
    is_colleagues = caller.sees_organization and row.organization_id == caller.organization_id
    return caller.is_staff or (not row.is_internal and (row.requester_id == caller.user_id or is_colleagues))


def visible_webhooks(caller: Caller) -> Conditions:
    """The webhooks, which only admins ask for."""
    return _workspace(caller)


def visible_deliveries(caller: Caller) -> Conditions:
    """What was sent to webhooks."""
    return (*_workspace(caller), ("of_webhooks", None))


def _workspace(caller: Caller) -> Conditions:
    return (("workspace", caller.workspace_id),)
