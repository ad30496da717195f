"""/v1/tickets/{ticket_id}/watchers: who follows a ticket."""

from __future__ import annotations

from typing import Final

from resolvers import fields, watchers
from resolvers.context import Context
from resolvers.errors import NotFound
from resolvers.fields import Field
from rest_compat.bodies import json_object
from rest_compat.endpoint import Body, endpoint
from rest_compat.envelope import AnyRequest
from rest_compat.parameters import path_id
from rest_compat.shapes import Done, Named, Written
from rest_compat.users import people

TAG: Final = "Watchers"
CREATE: Final = Body("WatcherCreate", {"user_id": Field(fields.row_id, is_required=True)})


@endpoint("POST", "/v1/tickets/{ticket_id}/watchers", tag=TAG, status=201, body=CREATE, refusals=(403, 409))
async def create_watcher(ctx: Context, request: AnyRequest) -> Written[Named]:
    """Let a user watch a ticket.

    Nothing changes when they already do. For agents and admins.
    """
    ticket_id = path_id(request, "ticket_id")
    user_id = fields.cleaned(CREATE.fields, await json_object(request))["user_id"]
    await watchers.add_watcher(ctx, ticket_id, user_id)
    watcher = (await people(ctx, [user_id])).get(user_id)
    if watcher is None:  # deleted since
        raise NotFound
    return Written(True, Named(watcher.id, watcher.name), "Watcher created successfully")


@endpoint("DELETE", "/v1/tickets/{ticket_id}/watchers/{user_id}", tag=TAG, refusals=(403, 409))
async def delete_watcher(ctx: Context, request: AnyRequest) -> Done:
    """Let a user watch a ticket no longer.

    Nothing changes when they did not. For agents and admins.
    """
    await watchers.remove_watcher(ctx, path_id(request, "ticket_id"), path_id(request, "user_id"))
    return Done(True, "Watcher deleted successfully")


ENDPOINTS: Final = (create_watcher, delete_watcher)
