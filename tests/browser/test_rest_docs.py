"""The REST reference at /v1/docs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.conftest import Visit

pytestmark = pytest.mark.browser


def test_the_operations_are_listed(visit: Visit) -> None:
    visit.open("/v1/docs")
    content = visit.page.locator("#content")
    expect(content).to_contain_text("/v1/tickets", timeout=20_000)
    expect(content).to_contain_text("POST")


def test_a_request_tried_out_carries_the_token_of_who_signed_in(visit: Visit) -> None:
    page = visit.page
    visit.open("/v1/docs")
    page.click(".bar .who .primary")
    visit.sign_in()
    expect(page.locator(".bar .person")).to_be_visible()
    with page.expect_response(lambda response: response.url.split("?")[0].endswith("/v1/tickets")) as answer:
        if visit.served.assets == "packaged":
            try_in_swagger_ui(page)
        else:
            try_in_scalar(page)
    assert answer.value.status == 200


def try_in_swagger_ui(page: Page) -> None:
    operation = page.locator(".opblock-get", has=page.get_by_text("/v1/tickets", exact=True)).first
    operation.locator(".opblock-summary").click()
    operation.locator("button.execute").click()


def try_in_scalar(page: Page) -> None:
    """It draws an operation when its group is opened, and sends it from a dialog."""
    page.get_by_role("link", name="Tickets", exact=True).click()
    page.locator("button", has_text="(get /v1/tickets)").click()
    expect(page.get_by_role("dialog", name="API Client")).to_be_visible()
    page.keyboard.press("Control+Enter")
