// The /graphql page: the bar, the examples and GraphiQL, which is one of two builds (see gateway/pages.py).

import { fillBar } from './bar.js';
import { examples, exampleIds } from './examples.js';
import { createExamplesMenu } from './examples_menu.js';
import { Session } from './session.js';

const GRAPHQL = '/graphql';
const session = new Session();
const content = document.getElementById('content');

const panel = fillBar(document.getElementById('bar'), session, createExamplesMenu(openExample));
const explorer = await mountExplorer();
if (explorer) {
  // What the schema shows can depend on who asks.
  session.addEventListener('change', () => explorer.reloadSchema());
  if (!session.viewer) panel.open();
}

async function mountExplorer() {
  try {
    const { mountGraphiQL } = await import('../ui/graphiql.js');
    return mountGraphiQL(content, { fetcher, firstTab: asTab(examples[0]) });
  } catch (error) {
    console.error(error);
    content.textContent =
      'The GraphQL explorer is not installed on this server. Run "make frontend", or pip install ' +
      'graphene-django-graphiql-static, and start the server again.';
    content.classList.add('notice');
    return null;
  }
}

async function openExample(example) {
  const ids = session.viewer ? await exampleIds(fetcher) : undefined;
  explorer?.open(asTab(example, ids));
}

function asTab({ query, variables }, ids) {
  return { query, variables: JSON.stringify(variables(ids), null, 2) };
}

/** What GraphiQL sends every operation through, its own introspection included. */
async function fetcher(operation, { headers: typedIn = {} } = {}) {
  const headers = new Headers({
    'Content-Type': 'application/json',
    Accept: 'application/graphql-response+json, application/json;q=0.9',
    ...typedIn,
  });
  try {
    return await resultOf(await session.fetch(GRAPHQL, { method: 'POST', headers, body: JSON.stringify(operation) }));
  } catch {
    return failure(`No answer from ${location.host}. Is the server running?`);
  }
}

async function resultOf(response) {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    return failure(`HTTP ${response.status}, and the answer is not JSON: ${text.slice(0, 500)}`);
  }
}

function failure(message) {
  return { errors: [{ message }] };
}
