"""Chromium itself is shown every hostile line (tests/hostile.py), and runs none: in `content_html` and in our pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import httpx
import pytest
from playwright.sync_api import expect

from resolvers.content import TAGS, content_html
from tests.browser.test_explorer import RESULT, RUN
from tests.browser.test_rest_docs import try_in_scalar, try_in_swagger_ui
from tests.hostile import MARKUP, PROOF, VECTORS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from tests.browser.conftest import Served, Visit

pytestmark = pytest.mark.browser

# In every frame of a page: who runs is written down in the outermost one, under the name of its frame.
TELL_WHO_RUNS: Final = """
if (top === window) window.whoRan = [];
window.ran = () => top.whoRan.push(window.name);
window.alert = window.ran;
"""
SHOW_AS_HTML: Final = """
async (vectors) => {
  const shown = vectors.map((vector, number) => {
    const frame = document.createElement('iframe');
    frame.name = `${number}`;
    frame.srcdoc = vector;
    document.body.append(frame);
    return new Promise((done) => { frame.onload = done; setTimeout(done, 5000); }); // some never finish
  });
  await Promise.all(shown);
  await new Promise((done) => setTimeout(done, 500));
  return new Set(whoRan.filter((name) => name)).size;
}
"""
# As a careless page would: parsed, written out, parsed again.
PARSE_AGAIN: Final = "() => { document.body.innerHTML = document.body.innerHTML; }"
WHAT_IS_THERE: Final = """
() => ({
  tags: [...new Set([...document.body.querySelectorAll('*')].map((each) => each.localName))],
  attributes: [...new Set([...document.body.querySelectorAll('*')].flatMap((each) => each.getAttributeNames()))],
  schemes: [...new Set([...document.links].map((each) => each.protocol))],
})
"""


@pytest.fixture
def blank(chromium: Browser) -> Iterator[Page]:
    """An empty page without a policy that would forbid scripts."""
    context = chromium.new_context()
    page = context.new_page()
    page.add_init_script(TELL_WHO_RUNS)
    page.route("**/*", lambda route: route.fulfill(body="<!DOCTYPE html><body>", content_type="text/html"))
    page.goto("http://blank.test/")
    yield page
    context.close()


def test_the_lines_would_run_if_they_were_html(blank: Page) -> None:
    assert blank.evaluate(SHOW_AS_HTML, list(VECTORS)) >= PROOF


def test_none_runs_as_content_html(blank: Page) -> None:
    sent: list[str] = []
    blank.on("request", lambda request: sent.append(request.url))
    written = "\n".join(f"<section>{content_html(vector)}</section>" for vector in VECTORS)
    blank.set_content(f"<!DOCTYPE html><body>{written}</body>", wait_until="load")
    first = look(blank)
    blank.evaluate(PARSE_AGAIN)
    assert look(blank) == first
    assert set(first["tags"]) <= TAGS | {"section"}
    assert set(first["attributes"]) <= {"href", "title", "rel", "start"}
    assert set(first["schemes"]) <= {"http:", "https:", "mailto:", "tel:"}
    assert blank.locator("section").count() == len(VECTORS)
    assert sent == []


def look(page: Page) -> dict[str, Any]:
    """What the page has come to hold, once everything that wanted to run had half a second."""
    page.wait_for_timeout(500)
    assert page.evaluate("whoRan") == []
    there: dict[str, Any] = page.evaluate(WHAT_IS_THERE)
    return there


@pytest.fixture(scope="module")
def hostile_tickets(served: Served) -> list[str]:
    """The subjects of tickets, one of each way in, which also try it in their text, tags and names."""
    key = {"api_key": served.api_key, "api_secret": served.api_secret}
    token = httpx.post(f"{served.url}/v1/auth/token", json=key).json()["token"]
    subjects = [group[0] for group in MARKUP.values()]
    for number, subject in enumerate(subjects):
        ticket = {
            "subject": subject,
            "content": "\n\n".join(VECTORS).replace("\x00", ""),
            "priority": "low",  # as Scalar's example asks
            "tags": ["<img src=x onerror=ran()>"],
            "requester_email": f"hostile{number}@acme.example",
            "requester_name": "<img src=x onerror=ran()>",
            "metadata": {"<script>ran()</script>": "<img src=x onerror=ran()>"},
        }
        answer = httpx.post(
            f"{served.url}/v1/tickets", json=ticket, headers={"Authorization": f"Bearer {token}"}
        )
        assert answer.status_code == 201, answer.text
    return subjects


def test_none_runs_in_graphiql(visit: Visit, hostile_tickets: list[str]) -> None:
    visit.page.add_init_script(TELL_WHO_RUNS)
    visit.open_explorer()
    visit.sign_in()
    expect(visit.page.locator(".bar .person .email")).to_have_text("admin@default.example", timeout=20_000)
    visit.page.click(RUN)
    expect(visit.page.locator(RESULT)).to_contain_text("ran()", timeout=20_000)
    assert hostile_tickets
    assert visit.page.evaluate("whoRan") == []


def test_none_runs_from_the_address_of_graphiql(visit: Visit) -> None:
    visit.page.add_init_script(TELL_WHO_RUNS)
    for vector in ("<img src=x onerror=ran()>", "</script><script>ran()</script>", "javascript:ran()"):
        asked = dict.fromkeys(("query", "variables", "headers", "operationName", "x"), vector)
        visit.open(f"/graphql?{urlencode(asked)}#{vector}")
        visit.page.wait_for_timeout(1000)
        assert visit.page.evaluate("whoRan") == []


def test_none_runs_in_the_rest_pages(visit: Visit, hostile_tickets: list[str]) -> None:
    page = visit.page
    page.add_init_script(TELL_WHO_RUNS)
    visit.open("/v1/docs")
    page.click(".bar .who .primary")
    visit.sign_in()
    expect(page.locator(".bar .person")).to_be_visible(timeout=20_000)
    with page.expect_response(lambda response: response.url.split("?")[0].endswith("/v1/tickets")) as answer:
        (try_in_swagger_ui if visit.served.assets == "packaged" else try_in_scalar)(page)
    assert "ran()" in answer.value.text()
    expect(page.locator("body")).to_contain_text("ran()", timeout=20_000)
    assert hostile_tickets
    assert page.evaluate("whoRan") == []
