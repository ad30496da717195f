// The panel that asks for an API key and its secret, or for a token.

import { element } from './elements.js';
import { SignInError } from './session.js';

const AS_TYPED = { autocapitalize: 'off', autocorrect: 'off', spellcheck: 'false' };

/** A dialog and `open(reason)`, which shows it; `reason` is a sentence above the fields, or empty. */
export function createSignInPanel(session) {
  const { form, ask, complain } = signInForm(session, () => dialog.close());
  const dialog = element('dialog', { class: 'sign-in', 'aria-labelledby': 'sign-in-title' }, form);
  // A click beside the panel closes it, like Escape does. The form fills the dialog, so only the backdrop is left.
  dialog.addEventListener('mousedown', (event) => event.target === dialog && dialog.close());

  function open(reason = '') {
    ask(reason);
    complain('');
    if (!dialog.open) dialog.showModal();
    form.querySelector('.fields:not([hidden]) input, .fields:not([hidden]) textarea').focus();
  }
  return { dialog, open };
}

function signInForm(session, close) {
  const keyFields = credentialFields();
  const tokenFields = tokenField();
  const reason = element('p', { class: 'reason' });
  const problem = element('p', { class: 'problem', role: 'alert', hidden: true });
  const submit = element('button', { class: 'primary', type: 'submit' }, 'Sign in');
  const form = element(
    'form',
    { novalidate: true },
    element('h2', { id: 'sign-in-title' }, 'Sign in to Answer'),
    reason,
    chooser(keyFields, tokenFields),
    keyFields,
    tokenFields,
    problem,
    element(
      'div',
      { class: 'buttons' },
      submit,
      element('button', { class: 'quiet', type: 'button', onclick: close }, 'Look around first'),
    ),
    hint(),
  );

  const show = (line) => (text) => {
    line.textContent = text;
    line.hidden = !text;
  };
  const complain = show(problem);
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    complain('');
    submit.disabled = true;
    try {
      await signIn(session, form, tokenFields.hidden);
      form.reset();
      close();
    } catch (error) {
      complain(error instanceof SignInError ? error.message : `Something went wrong in this page: ${error.message}`);
    } finally {
      submit.disabled = false;
    }
  });
  // "Start over" of the browser would leave the two halves of the form out of step with the chooser.
  form.addEventListener('reset', () => form.querySelector('[name=way][value=key]').dispatchEvent(new Event('change')));
  return { form, complain, ask: show(reason) };
}

async function signIn(session, form, withKey) {
  const { apiKey, apiSecret, token } = form.elements;
  if (!withKey) {
    if (!token.value.trim()) throw missing(token, 'Paste a token first.');
    return session.signInWithToken(token.value);
  }
  if (!apiKey.value.trim()) throw missing(apiKey, 'Enter the API key.');
  if (!apiSecret.value.trim()) throw missing(apiSecret, 'Enter the secret that belongs to the key.');
  return session.signInWithKey(apiKey.value, apiSecret.value);
}

function missing(field, message) {
  field.focus();
  return new SignInError(message);
}

/** The names let a password manager keep the pair: the best place for a secret that is shown only once. */
function credentialFields() {
  const key = element('input', { name: 'apiKey', autocomplete: 'username', ...AS_TYPED });
  const secret = element('input', { name: 'apiSecret', type: 'password', autocomplete: 'current-password' });
  return element('div', { class: 'fields' }, labelled('API key', key), labelled('API secret', secret));
}

function tokenField() {
  const attributes = { name: 'token', rows: 4, autocomplete: 'off', placeholder: 'eyJhbGciOi…', ...AS_TYPED };
  const field = element('textarea', attributes);
  return element('div', { class: 'fields', hidden: true }, labelled('Token', field));
}

function labelled(text, field) {
  return element('label', {}, element('span', {}, text), field);
}

/** Two radio buttons that look like tabs: key and secret, or a token. */
function chooser(keyFields, tokenFields) {
  const choose = (shown, other) => () => {
    shown.hidden = false;
    other.hidden = true;
  };
  const way = (value, text, checked, onchange) => {
    const radio = element('input', { type: 'radio', name: 'way', value, checked, onchange });
    return element('label', {}, radio, element('span', {}, text));
  };
  return element(
    'div',
    { class: 'chooser', role: 'radiogroup', 'aria-label': 'Sign in with' },
    way('key', 'API key', true, choose(keyFields, tokenFields)),
    way('token', 'Token', false, choose(tokenFields, keyFields)),
  );
}

function hint() {
  return element(
    'p',
    { class: 'hint' },
    'No key yet? The server prints one when it starts for the first time, and ',
    element('code', {}, 'answer keys create --role agent'),
    ' makes another.',
  );
}
