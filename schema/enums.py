"""The words of the helpdesk as enums: upper case here, the same words lower case in REST and the database."""

from enum import Enum

import strawberry
from strawberry import enum_value


@strawberry.enum
class TicketStatus(Enum):
    """How far a ticket is."""

    OPEN = enum_value("open", description="Waits for an agent.")
    PENDING = enum_value("pending", description="Waits for the requester.")
    RESOLVED = enum_value("resolved", description="Answered; a reply of the requester opens it again.")
    CLOSED = enum_value("closed", description="Done; opens again only within 14 days.")


@strawberry.enum
class TicketPriority(Enum):
    """How urgent a ticket is; URGENT ranks highest."""

    LOW = enum_value("low", description="Can wait.")
    MEDIUM = enum_value("medium", description="The default.")
    HIGH = enum_value("high", description="Before others.")
    URGENT = enum_value("urgent", description="Now.")


@strawberry.enum
class UserType(Enum):
    """What a user is to the helpdesk."""

    CUSTOMER = enum_value("customer", description="Asks.")
    AGENT = enum_value("agent", description="Answers.")
    ADMIN = enum_value("admin", description="Answers, and keeps users and settings.")


@strawberry.enum
class WorkspaceTier(Enum):
    """The subscription of a workspace, which sets its rate limits."""

    FREE = enum_value("free", description="30 requests a minute, 1,000 a day.")
    STARTER = enum_value("starter", description="60 requests a minute, 10,000 a day.")
    PROFESSIONAL = enum_value("professional", description="120 requests a minute, 100,000 a day.")
    ENTERPRISE = enum_value("enterprise", description="Unlimited.")


@strawberry.enum
class OrderDirection(Enum):
    """Up or down."""

    ASC = enum_value("asc", description="Smallest or oldest first.")
    DESC = enum_value("desc", description="Largest or newest first.")


@strawberry.enum
class TicketOrderField(Enum):
    """What tickets can be ordered by; ties are broken by id."""

    CREATED_AT = enum_value("created_at", description="When they were opened.")
    UPDATED_AT = enum_value("updated_at", description="When they last changed.")
    PRIORITY = enum_value("priority", description="How urgent they are.")


@strawberry.enum
class DeliveryStatus(Enum):
    """How far a delivery is."""

    WAITING = enum_value("waiting", description="Is sent, or sent again, when its time comes.")
    DELIVERED = enum_value("delivered", description="The receiver took it.")
    FAILED = enum_value("failed", description="Was tried often enough, or the receiver said it is gone.")
    CANCELLED = enum_value("cancelled", description="Its webhook was switched off before.")


@strawberry.enum
class UserErrorCode(Enum):
    """Why a mutation changed nothing."""

    VALIDATION_ERROR = enum_value("VALIDATION_ERROR", description="A value cannot be used.")
    NOT_FOUND = enum_value("NOT_FOUND", description="What it is about is not there.")
    CONFLICT = enum_value("CONFLICT", description="It cannot be done as things are now.")
