// Who is signed in, and the token that says so. No page elements in here: both pages use it.
//
// Where the credentials are kept, and why. sessionStorage belongs to one browser tab and is gone when the tab is
// closed; localStorage would leave a secret on the disk, and a cookie would be sent by forms of other sites too.
// The API key and secret stay beside the token, because a token lives for an hour and only they can get the next
// one. Whoever could read them here (a script in this page, which the Content-Security-Policy refuses) could read
// the token just as well. A pasted token has no key behind it, so that session ends when the token does.

const STORED_AS = 'answer.session';
const RENEW_BEFORE_MS = 60_000;
const WHO_AM_I = 'query WhoAmI { viewer { name email type } }';

/** Something the person can act on; its message is shown as it stands. */
export class SignInError extends Error {}

/** Fires `change` when someone signs in or out, and `needed` when the server refused for want of a sign-in. */
export class Session extends EventTarget {
  #stored;
  #renewal = null;

  constructor() {
    super();
    this.#stored = readStored();
  }

  /** `{name, email, type}` of who is signed in, or null. */
  get viewer() {
    return this.#stored?.viewer ?? null;
  }

  /** When the token ends (a Date), or null when that is not known. */
  get endsAt() {
    return this.#stored?.expiresAt ? new Date(this.#stored.expiresAt) : null;
  }

  /** True when the session outlives its token: there is a key to get the next one with. */
  get renewsItself() {
    return Boolean(this.#stored?.apiKey);
  }

  /** Throws SignInError with what to do about it. */
  async signInWithKey(apiKey, apiSecret) {
    const token = await exchange(apiKey, apiSecret);
    await this.#begin({ ...token, apiKey, apiSecret });
  }

  /** Throws SignInError with what to do about it. */
  async signInWithToken(pasted) {
    const token = pasted.trim().replace(/^(Authorization:\s*)?Bearer\s+/i, '');
    await this.#begin({ token, ...lifetimeOf(token) });
  }

  /** `reason` is shown in the sign-in panel when the session did not end by the person's own will. */
  signOut(reason = '') {
    this.#store(null);
    this.#announce('change', { reason });
  }

  /** The `Authorization` header for a request made now, or null when nobody is signed in. Renews a token about to end. */
  async authorization() {
    if (this.renewsItself && Date.now() >= this.#stored.renewAt) await this.#renew();
    return this.#stored ? `Bearer ${this.#stored.token}` : null;
  }

  /** `fetch` with the token; asks for a new one and repeats when the server no longer takes the old one. */
  async fetch(url, init = {}) {
    // Who types an Authorization into GraphiQL's own headers editor means that one.
    if (new Headers(init.headers).has('Authorization')) return fetch(url, init);
    const response = await this.#send(url, init);
    if (response.status !== 401) return response;
    if (!this.#stored) {
      this.#announce('needed');
    } else if (!this.renewsItself) {
      this.signOut('Your token has ended or was revoked. Sign in again.');
    } else if (await this.#renew()) {
      return this.#send(url, init);
    }
    return response;
  }

  async #send(url, init) {
    const headers = new Headers(init.headers);
    const authorization = await this.authorization();
    if (authorization) headers.set('Authorization', authorization);
    return fetch(url, { ...init, headers });
  }

  async #begin(credentials) {
    const viewer = await whoHolds(credentials.token);
    this.#store({ ...credentials, viewer });
    this.#announce('change', { reason: '' });
  }

  /** Says whether there is a new token. Requests that find the token old at the same moment share one renewal. */
  #renew() {
    this.#renewal ??= this.#renewNow().finally(() => (this.#renewal = null));
    return this.#renewal;
  }

  async #renewNow() {
    const { apiKey, apiSecret } = this.#stored;
    try {
      const token = await exchange(apiKey, apiSecret);
      // Signed out, or in as someone else, while the answer was on its way: that decision stands.
      if (this.#stored?.apiKey !== apiKey) return false;
      this.#store({ ...this.#stored, ...token });
      return true;
    } catch (error) {
      if (error.refused) this.signOut('This API key was revoked. Sign in with another one.');
      return false;
    }
  }

  #store(stored) {
    this.#stored = stored;
    if (stored) sessionStorage.setItem(STORED_AS, JSON.stringify(stored));
    else sessionStorage.removeItem(STORED_AS);
  }

  #announce(type, detail = {}) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

function readStored() {
  try {
    return JSON.parse(sessionStorage.getItem(STORED_AS));
  } catch {
    return null; // written by another version of this page
  }
}

/** A token for a key and its secret: `{token, expiresAt, renewAt}`. */
async function exchange(apiKey, apiSecret) {
  const response = await reach('/v1/auth/token', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ api_key: apiKey.trim(), api_secret: apiSecret.trim() }),
  });
  const answer = await response.json().catch(() => ({}));
  if (response.ok && answer.token) return { token: answer.token, ...lifetime(answer.expires_in) };
  throw refusal(response, answer);
}

function refusal(response, answer) {
  if (response.status === 401) {
    const error = new SignInError(
      'That API key and secret do not belong together. Check that both were copied whole, without a space.',
    );
    error.refused = true;
    return error;
  }
  if (response.status === 429) {
    const seconds = response.headers.get('Retry-After');
    return new SignInError(`Too many attempts. Try again in ${seconds ? `${seconds} seconds` : 'a minute'}.`);
  }
  const unexplained = `The server could not sign you in (HTTP ${response.status}). Its log says why.`;
  return new SignInError(answer.error?.message ?? unexplained);
}

/** `{name, email, type}` of whom a token belongs to. */
async function whoHolds(token) {
  const authorization = asHeader(token);
  const response = await reach('/graphql', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'application/json', Authorization: authorization },
    body: JSON.stringify({ query: WHO_AM_I }),
  });
  if (response.status === 401) {
    throw new SignInError('The server does not take this token: it has ended, was revoked, or was not copied whole.');
  }
  const answer = await response.json().catch(() => ({}));
  if (answer.data?.viewer) return answer.data.viewer;
  const unexplained = `The server could not say whose token this is (HTTP ${response.status}).`;
  throw new SignInError(answer.errors?.[0]?.message ?? unexplained);
}

/** fetch() throws a TypeError for a token that no header can hold, with words that help nobody. */
function asHeader(token) {
  if (/^[\x21-\x7e]+$/.test(token)) return `Bearer ${token}`;
  throw new SignInError('This is not a token: it holds spaces or characters that no token has.');
}

async function reach(url, init) {
  try {
    return await fetch(url, init);
  } catch {
    throw new SignInError(`No answer from ${location.host}. Is the server running?`);
  }
}

function lifetime(seconds) {
  const lifetimeMs = seconds * 1000;
  const expiresAt = Date.now() + lifetimeMs;
  // A minute ahead, or a tenth of the lifetime where an operator made tokens very short.
  return { expiresAt, renewAt: expiresAt - Math.min(RENEW_BEFORE_MS, lifetimeMs / 10) };
}

/** Read, not verified: only the server can verify, and this is for showing when the token ends. */
function lifetimeOf(token) {
  try {
    const payload = token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/');
    const { exp } = JSON.parse(atob(payload));
    return typeof exp === 'number' ? { expiresAt: exp * 1000 } : {};
  } catch {
    return {}; // not a JWT: the server will say what it thinks of it
  }
}
