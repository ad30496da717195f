// Scalar for the /v1/docs page. gateway/web/packaged/rest_docs.js offers the same with Swagger UI from a Python package.

/** Shows the description at `url` in `container`; requests tried out go through `authorize(url, headers)`. */
export async function mountRestDocs(container, { url, authorize }) {
  await loadScalar();
  globalThis.Scalar.createApiReference(container, {
    url,
    // Each of these would otherwise ask a host of Scalar's own, or send people there.
    withDefaultFonts: false,
    telemetry: false,
    proxyUrl: '',
    hideClientButton: true,
    agent: { disabled: true },
    mcp: { disabled: true },
    showDeveloperTools: 'never',
    async customFetch(input, init) {
      const request = new Request(input, init);
      return fetch(request, { headers: await authorize(request.url, request.headers) });
    },
  });
}

/** Its browser file sets a global, and is taken as published: four megabytes that would gain nothing from bundling. */
function loadScalar() {
  // Its validation library (zod) tries whether eval works, and the Content-Security-Policy would report the attempt.
  globalThis.__zod_globalConfig = { jitless: true };
  return new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = new URL('scalar.js', import.meta.url).href;
    script.onload = resolve;
    script.onerror = () => reject(new Error('scalar.js could not be loaded'));
    document.head.append(script);
  });
}
