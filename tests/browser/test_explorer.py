"""GraphiQL as a person uses it: sign in, run the inbox, pick an example, sign out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from tests.browser.conftest import Visit

pytestmark = pytest.mark.browser

RUN = ".graphiql-execute-button"
RESULT = ".graphiql-response"
REFUSED_SIGN_IN = "console: Failed to load resource: the server responded with a status of 401 (Unauthorized)"
EVERY_EXAMPLE = """
async () => {
  const { examples, exampleIds } = await import('/graphql/static/web/examples.js');
  const { token } = JSON.parse(sessionStorage.getItem('answer.session'));
  const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` };
  const ask = async (operation) => {
    const response = await fetch('/graphql', { method: 'POST', headers, body: JSON.stringify(operation) });
    return response.json();
  };
  // Deleting comes last, so that the others find their ticket.
  const ordered = examples.toSorted((a, b) => a.name.startsWith('Delete') - b.name.startsWith('Delete'));
  const answers = [];
  for (const { name, query, variables } of ordered) {
    answers.push([name, await ask({ query, variables: variables(await exampleIds(ask)) })]);
  }
  return answers;
}
"""


def test_who_signs_in_sees_the_inbox(visit: Visit) -> None:
    page = visit.page
    visit.open_explorer()
    visit.sign_in()
    expect(page.locator(".bar .person .email")).to_have_text("admin@default.example")
    expect(page.locator(".bar .role")).to_have_text("admin")

    page.click(RUN)

    expect(page.locator(RESULT)).to_contain_text('"totalCount"')
    expect(page.locator(RESULT)).to_contain_text('"tkt_')
    expect(page.locator(RESULT)).not_to_contain_text('"errors"')


def test_a_wrong_secret_is_explained_in_the_panel(visit: Visit) -> None:
    visit.open_explorer()
    visit.sign_in(api_secret="wrong")
    expect(visit.page.locator(".sign-in .problem")).to_contain_text("do not belong together")
    expect(visit.page.locator(".sign-in")).to_be_visible()
    assert visit.complaints == [REFUSED_SIGN_IN]  # which a browser writes on the console by itself
    visit.complaints.clear()


def test_an_example_opens_in_a_tab_with_ids_that_exist(visit: Visit) -> None:
    page = visit.page
    visit.open_explorer()
    visit.sign_in()
    expect(page.locator(".bar .person")).to_be_visible()
    page.click(".bar button.menu")
    page.click(".examples button:has-text('One ticket')")
    expect(page.locator(".graphiql-tab, .graphiql-tabs li").filter(has_text="Ticket")).to_be_visible()

    page.click(RUN)

    expect(page.locator(RESULT)).to_contain_text('"databaseId"')
    expect(page.locator(RESULT)).not_to_contain_text('"errors"')


def test_the_schema_is_shown_in_the_documentation(visit: Visit) -> None:
    visit.open_explorer()
    visit.sign_in()
    expect(visit.page.locator(".bar .person")).to_be_visible()
    visit.page.click("[aria-label*='Documentation Explorer']")
    expect(visit.page.locator(".graphiql-plugin")).to_contain_text("TicketConnection")


def test_the_explorer_lists_the_fields_of_the_query(visit: Visit) -> None:
    visit.open_explorer()
    visit.sign_in()
    expect(visit.page.locator(".bar .person")).to_be_visible()
    visit.page.click("[aria-label$='GraphiQL Explorer']")
    expect(visit.page.locator(".graphiql-plugin")).to_contain_text("totalCount")


def test_every_example_runs(visit: Visit) -> None:
    if visit.served.assets != "packaged":
        pytest.skip("the examples are the same for both kinds of assets: once is enough")
    visit.open_explorer()
    visit.sign_in()
    expect(visit.page.locator(".bar .person")).to_be_visible()

    answers: list[tuple[str, dict[str, Any]]] = visit.page.evaluate(EVERY_EXAMPLE)

    assert len(answers) > 10
    assert [(name, answer) for name, answer in answers if went_wrong(answer)] == []


def went_wrong(answer: dict[str, Any]) -> bool:
    """Errors, user errors, or nothing found."""
    fields = (answer.get("data") or {"": None}).values()
    return "errors" in answer or any(field is None or field.get("userErrors") for field in fields)


def test_a_token_that_is_about_to_end_is_renewed_before_the_request(visit: Visit) -> None:
    page = visit.page
    visit.open_explorer()
    visit.sign_in()
    expect(page.locator(".bar .person")).to_be_visible()
    change_session(visit, renewAt=0, token="no longer taken")
    page.reload()
    visit.wait_for_editor()

    page.click(RUN)

    expect(page.locator(RESULT)).to_contain_text('"totalCount"')
    assert session(visit)["token"] != "no longer taken"


def test_a_token_can_be_pasted_and_ends_with_a_word(visit: Visit) -> None:
    page = visit.page
    visit.open_explorer()
    visit.sign_in()
    expect(page.locator(".bar .person")).to_be_visible()
    token = session(visit)["token"]
    page.click("text=Sign out")

    page.click(".bar .who .primary")
    page.click(".sign-in .chooser label:has-text('Token')")
    page.fill(".sign-in [name=token]", f"Bearer {token}\n")
    page.click(".sign-in button[type=submit]")
    expect(page.locator(".bar .person")).to_be_visible()
    assert "apiKey" not in session(visit)

    change_session(visit, token="cut.off")
    page.reload()
    expect(page.locator(".sign-in .reason")).to_contain_text("Your token has ended or was revoked")
    visit.complaints.clear()  # the 401 that said so


def test_signing_out_leaves_no_secret_behind(visit: Visit) -> None:
    page = visit.page
    visit.open_explorer()
    visit.sign_in()
    expect(page.locator(".bar .person")).to_be_visible()
    token = session(visit)["token"]
    page.click(RUN)
    expect(page.locator(RESULT)).to_contain_text('"totalCount"')

    page.click("text=Sign out")

    expect(page.locator(".bar .who .primary")).to_have_text("Sign in")
    kept = page.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}])")
    assert token not in kept
    assert visit.served.api_secret not in kept


def session(visit: Visit) -> dict[str, Any]:
    stored: dict[str, Any] = json.loads(visit.page.evaluate("sessionStorage.getItem('answer.session')"))
    return stored


def change_session(visit: Visit, **changes: Any) -> None:
    changed = json.dumps(session(visit) | changes)
    visit.page.evaluate("text => sessionStorage.setItem('answer.session', text)", changed)
