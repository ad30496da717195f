// Swagger UI out of the Python package swagger-ui-bundle-v2. Offers what frontend/src/rest_docs.js offers.

import { loadScripts, loadStyle } from '../web/packaged/scripts.js';

/** Shows the description at `url` in `container`; requests tried out go through `authorize(url, headers)`. */
export async function mountRestDocs(container, { url, authorize }) {
  followColorScheme();
  await Promise.all([loadStyle('swagger-ui.css'), loadScripts('swagger-ui-bundle.js')]);
  globalThis.SwaggerUIBundle({
    domNode: container,
    url,
    layout: 'BaseLayout',
    deepLinking: true,
    docExpansion: 'list',
    defaultModelsExpandDepth: 0,
    filter: true,
    tryItOutEnabled: true,
    // The stock value sends the description to swagger.io for a badge.
    validatorUrl: null,
    async requestInterceptor(request) {
      request.headers = Object.fromEntries(await authorize(request.url, request.headers));
      return request;
    },
  });
}

/** Swagger UI has a dark style but, without its own top bar, nothing that turns it on. */
function followColorScheme() {
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const follow = () => document.documentElement.classList.toggle('dark-mode', dark.matches);
  dark.addEventListener('change', follow);
  follow();
}
