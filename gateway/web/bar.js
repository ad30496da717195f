// The bar on top of both pages: where one is, the examples, and who is signed in.

import { element } from './elements.js';
import { createSignInPanel } from './sign_in_panel.js';

/** Fills the page's bar. `tools` are elements of the page's own, such as the examples menu. */
export function fillBar(bar, session, tools = []) {
  const panel = createSignInPanel(session);
  const who = element('div', { class: 'who' });
  bar.replaceChildren(brand(), pageLinks(bar.dataset.page), ...tools, element('span', { class: 'gap' }), who);
  document.body.append(panel.dialog);

  const show = () => who.replaceChildren(...(session.viewer ? signedIn(session) : signedOut(panel)));
  session.addEventListener('change', (event) => {
    show();
    if (event.detail.reason) panel.open(event.detail.reason);
  });
  session.addEventListener('needed', () => panel.dialog.open || panel.open('Sign in to run this operation.'));
  show();
  return panel;
}

function brand() {
  return element(
    'a',
    { class: 'brand', href: '/graphql' },
    element('img', { src: '/graphql/static/web/icon.svg', alt: '', width: 22, height: 22 }),
    'Answer',
  );
}

function pageLinks(current) {
  const link = (page, href, text) => element('a', { href, 'aria-current': page === current && 'page' }, text);
  return element(
    'nav',
    { 'aria-label': 'Pages' },
    link('graphql', '/graphql', 'GraphQL'),
    link('rest', '/v1/docs', 'REST API'),
  );
}

function signedOut(panel) {
  return [element('button', { class: 'primary', type: 'button', onclick: () => panel.open() }, 'Sign in')];
}

function signedIn(session) {
  const { name, email, type } = session.viewer;
  return [
    element(
      'span',
      { class: 'person', title: `${email}\n${sessionEnd(session)}` },
      element('span', { class: 'name' }, name),
      element('span', { class: 'email' }, email),
    ),
    element('span', { class: 'role' }, type.toLowerCase()),
    element('button', { class: 'quiet', type: 'button', onclick: () => session.signOut() }, 'Sign out'),
  ];
}

function sessionEnd({ renewsItself, endsAt }) {
  if (renewsItself) return 'Signed in with an API key until this tab is closed';
  return endsAt ? `The token ends at ${endsAt.toLocaleTimeString()}` : 'Signed in with a token';
}
