// Plain scripts for the packaged pages: its packages hold browser bundles that set globals, not modules.

/** Loads files of ui/vendor/ one after the other, because each needs the globals of those before it. */
export async function loadScripts(...names) {
  for (const name of names) await load('script', { src: vendor(name) });
}

export function loadStyle(name) {
  return load('link', { rel: 'stylesheet', href: vendor(name) });
}

function vendor(name) {
  return `/graphql/static/ui/vendor/${name}`;
}

function load(tag, attributes) {
  return new Promise((resolve, reject) => {
    const node = Object.assign(document.createElement(tag), attributes);
    node.onload = resolve;
    node.onerror = () => reject(new Error(`${attributes.src ?? attributes.href} could not be loaded`));
    document.head.append(node);
  });
}
