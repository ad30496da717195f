"""Hooks for schemathesis against a running Answer: what a JSON Schema cannot say is no fault of the document.

    SCHEMATHESIS_HOOKS=tests/rest/contract.py schemathesis run BASE/v1/openapi.json \
        -H "Authorization: Bearer …" --exclude-checks positive_data_acceptance

Its own check wants every request accepted that the document allows. Whether row 7 exists, whether an e-mail address
is free, how deep an object may be: the document cannot say, and the documented answer is a VALIDATION_ERROR (D17, D18,
D22, D24). So here is the same check, but for refusals that are about nothing else.
"""

from __future__ import annotations

from typing import Any, Final

import schemathesis

ABOUT_WHAT_IS_STORED: Final = (
    "This field does not exist",
    "This field has already been taken",
    "This field must be an active agent or admin",
    "This field must be files that you added to this ticket and that no reply has yet",
    "This field must not be a private address",
    "This field must be an active user",
    "This field must not be taken from the last active admin",
    "This field must not be the category itself or one below it",
    "This field must not be after to_date",
    "This field must not be changed by yourself",
    "This field must not be switched off by yourself",
)


@schemathesis.check
def accepted_unless_it_is_about_what_is_stored(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case[Any]
) -> None:
    """What the document allows is done."""
    is_allowed = case.meta is not None and case.meta.generation.mode.is_positive
    if not is_allowed or response.status_code != 400:
        return
    details = response.json()["error"]["details"]
    unfair = {
        name: said
        for name, said in details.items()
        if said[0] not in ABOUT_WHAT_IS_STORED and name != "metadata"
    }
    assert not unfair, f"The document allows what the server refuses: {unfair}"
