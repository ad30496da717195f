"""/v1/tickets/{ticket_id}/rating: what the requester thinks of how it went."""

from __future__ import annotations

from typing import Final

from db import rows
from resolvers import ratings
from resolvers.context import Context
from resolvers.errors import NotFound
from rest_compat.bodies import json_object
from rest_compat.endpoint import Body, endpoint
from rest_compat.envelope import AnyRequest
from rest_compat.parameters import path_id
from rest_compat.shapes import Named, One, Rating, Written
from rest_compat.users import people

TAG: Final = "Ratings"
CREATE: Final = Body("RatingCreate", ratings.FIELDS, example={"rating": 5, "comment": "Quick and kind"})


@endpoint("GET", "/v1/tickets/{ticket_id}/rating", tag=TAG)
async def get_rating(ctx: Context, request: AnyRequest) -> One[Rating]:
    """Retrieve a ticket's rating.

    The latest one; there is none while the requester has not rated the ticket.
    """
    return One(True, await _shaped(ctx, await ratings.rating(ctx, path_id(request, "ticket_id"))))


@endpoint("POST", "/v1/tickets/{ticket_id}/rating", tag=TAG, status=201, body=CREATE, refusals=(403, 409))
async def create_rating(ctx: Context, request: AnyRequest) -> Written[Rating]:
    """Rate a ticket.

    For its requester, when it is resolved or closed. Whoever is assigned now is credited with it; rated again, only
    the latest rating counts.
    """
    _, added = await ratings.rate_ticket(ctx, path_id(request, "ticket_id"), await json_object(request))
    return Written(True, await _shaped(ctx, added), "Rating created successfully")


async def _shaped(ctx: Context, row: rows.Rating) -> Rating:
    """The rating with who gave it and who was assigned. Raises NotFound."""
    users = await people(ctx, (row.requester_id, row.assigned_to_id))
    requester, assignee = users.get(row.requester_id), users.get(row.assigned_to_id or 0)
    if requester is None:
        raise NotFound  # the ticket was deleted since it was read, and then who had asked it
    return Rating(
        id=row.id,
        ticket_id=row.ticket_id,
        rating=row.rating,
        comment=row.comment,
        requester=Named(requester.id, requester.name),
        assigned_to=None if assignee is None else Named(assignee.id, assignee.name),
        created_at=row.created_at,
    )


ENDPOINTS: Final = (get_rating, create_rating)
