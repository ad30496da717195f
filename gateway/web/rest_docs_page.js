// The /v1/docs page: the bar and the REST reference, which is Scalar or Swagger UI (see gateway/pages.py).

import { fillBar } from './bar.js';
import { Session } from './session.js';

const session = new Session();
const content = document.getElementById('content');
fillBar(document.getElementById('bar'), session);

try {
  const { mountRestDocs } = await import('../ui/rest_docs.js');
  content.replaceChildren();
  await mountRestDocs(content, { url: '/v1/openapi.json', authorize });
} catch (error) {
  console.error(error);
  content.textContent =
    'The REST reference is not installed on this server. Run "make frontend", or pip install swagger-ui-bundle-v2, ' +
    'and start the server again.';
  content.classList.add('notice');
}

/** The headers for a request tried out on the page, with the token of who is signed in; never for another host. */
async function authorize(url, headers) {
  const authorized = new Headers(headers);
  const sameHost = new URL(url, location.href).origin === location.origin;
  const authorization = sameHost ? await session.authorization() : null;
  if (authorization && !authorized.get('Authorization')?.replace(/^Bearer\s*/i, '')) {
    authorized.set('Authorization', authorization);
  }
  return authorized;
}
