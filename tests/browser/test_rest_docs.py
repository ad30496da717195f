"""The REST reference at /v1/docs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
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
            operation = page.locator(".opblock-get", has=page.get_by_text("/v1/tickets", exact=True)).first
            operation.locator(".opblock-summary").click()
            operation.locator("button.execute").click()
        else:
            page.goto(page.url + "#tag/tickets/GET/v1/tickets")
            page.locator("button", has_text="Test Request").first.click()
            page.locator("button", has_text="Send").first.click()
    assert answer.value.status == 200
