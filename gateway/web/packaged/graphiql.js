// GraphiQL out of the Python package graphene-django-graphiql-static: version 2 on React 17. Offers what
// frontend/src/graphiql.js offers, so the page does not know which of the two it has.

import { loadScripts, loadStyle } from '../web/packaged/scripts.js';

const SCRIPTS = [
  'react.production.min.js',
  'react-dom.production.min.js',
  'graphiql.min.js',
  'graphiql-plugin-explorer.umd.js',
];

await Promise.all([loadStyle('style.css'), loadScripts(...SCRIPTS)]);
const { React, ReactDOM, GraphiQL, GraphiQLPluginExplorer } = globalThis;
const { useEditorContext, useSchemaContext } = GraphiQL.React;
const h = React.createElement;

/** Shows GraphiQL in `container`; what comes back opens a tab (`{query, variables}`) and asks for the schema anew. */
export function mountGraphiQL(container, { fetcher, firstTab }) {
  const inside = insideOfGraphiQL();
  // GraphiQL brings back the tabs of the last visit, but does not show the variables of a first one by itself.
  const variables = localStorage.getItem('graphiql:tabState') ? undefined : firstTab.variables;
  ReactDOM.render(h(Explorer, { fetcher, firstTab, variables, inside }), container);
  return {
    open: (tab) => inside.whenReady.then(() => openTab(inside.editor, tab)),
    reloadSchema: () => inside.whenReady.then(() => inside.schema.introspect()),
  };
}

/** What `Inside` hands out, and a promise for the moment when it is there. */
function insideOfGraphiQL() {
  const inside = {};
  inside.whenReady = new Promise((resolve) => {
    inside.ready = resolve;
  });
  return inside;
}

function Explorer({ fetcher, firstTab, variables, inside }) {
  // This version's explorer edits a query that its parent holds; undefined lets GraphiQL bring back the last tabs.
  const [query, setQuery] = React.useState(undefined);
  const explorer = GraphiQLPluginExplorer.useExplorerPlugin({ query, onEdit: setQuery });
  return h(
    GraphiQL,
    {
      fetcher,
      query,
      variables,
      onEditQuery: setQuery,
      defaultTabs: [firstTab],
      defaultEditorToolsVisibility: 'variables',
      // A token typed into the headers editor must not end up in localStorage.
      shouldPersistHeaders: false,
      plugins: [explorer],
    },
    h(GraphiQL.Logo, null, h(Inside, { inside })),
  );
}

/** Sits inside GraphiQL only to hand its editor and its schema out; draws nothing, the bar has the logo. */
function Inside({ inside }) {
  inside.editor = useEditorContext({ nonNull: true });
  inside.schema = useSchemaContext({ nonNull: true });
  React.useEffect(() => {
    if (inside.editor.queryEditor && inside.editor.variableEditor) inside.ready();
  });
  return null;
}

function openTab({ addTab, queryEditor, variableEditor }, { query, variables }) {
  if (queryEditor.getValue().trim()) addTab();
  queryEditor.setValue(query);
  variableEditor.setValue(variables);
}
