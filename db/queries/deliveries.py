"""Deliveries: the jobs of a webhook, as its log shows them."""

from sqlalchemy import BigInteger

from db import rows, tables
from db.conditions import Kind
from db.listing import Listing
from db.statements import table_of
from db.types import ListOf, any_key

job = table_of(tables.Job)

LISTING: Listing[rows.Delivery] = Listing(
    tables.Job,
    rows.Delivery,
    kinds={
        "workspace": Kind(BigInteger(), lambda value: job.c.workspace_id == value),
        "of_webhooks": Kind(None, lambda _: job.c.webhook_id.is_not(None)),
        "webhook": Kind(BigInteger(), lambda value: job.c.webhook_id == value),
        "id": Kind(BigInteger(), lambda value: job.c.id == value),
        "ids": Kind(ListOf(BigInteger()), lambda value: any_key(job.c.id, value)),
    },
    orders={"id": None},
)
