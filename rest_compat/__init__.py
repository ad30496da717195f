"""The documented REST API under /v1: thin routes onto the resolvers, their envelope, their OpenAPI document."""

from rest_compat.errors import exception_handlers
from rest_compat.routes import rest_routes

__all__ = ["exception_handlers", "rest_routes"]
