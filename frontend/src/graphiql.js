// GraphiQL 5 with the explorer, for the /graphql page. gateway/web/packaged/graphiql.js offers the same with the files of
// a Python package, so the page does not know which of the two it has.

import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import '@graphiql/plugin-explorer/style.css';
import { explorerPlugin } from '@graphiql/plugin-explorer';
import { useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { GraphiQL, HISTORY_PLUGIN } from 'graphiql';
import { createElement as h, useEffect } from 'react';
import { createRoot } from 'react-dom/client';

const PLUGINS = [HISTORY_PLUGIN, explorerPlugin()];
// Without this the variables editor takes every custom scalar for a string or number and underlines JSON objects.
const CUSTOM_SCALARS = { JSON: {} };

/** Shows GraphiQL in `container`; what comes back opens a tab (`{query, variables}`) and asks for the schema anew. */
export function mountGraphiQL(container, { fetcher, firstTab }) {
  const inside = insideOfGraphiQL();
  // GraphiQL brings back the tabs of the last visit, but does not show the variables of a first one by itself.
  const variables = localStorage.getItem('graphiql:tabState') ? undefined : firstTab.variables;
  createRoot(container).render(h(Explorer, { fetcher, firstTab, variables, inside }));
  return {
    open: (tab) => inside.whenReady.then(() => openTab(inside, tab)),
    reloadSchema: () => inside.whenReady.then(() => inside.actions.introspect()),
  };
}

/** What `Inside` hands out, and a promise for the moment when it is there: Monaco takes a while to load. */
function insideOfGraphiQL() {
  const inside = {};
  inside.whenReady = new Promise((resolve) => {
    inside.ready = resolve;
  });
  return inside;
}

function Explorer({ fetcher, firstTab, variables, inside }) {
  return h(
    GraphiQL,
    {
      fetcher,
      defaultTabs: [firstTab],
      initialVariables: variables,
      defaultEditorToolsVisibility: 'variables',
      customScalarSchemas: CUSTOM_SCALARS,
      // A token typed into the headers editor must not end up in localStorage.
      shouldPersistHeaders: false,
      plugins: PLUGINS,
    },
    h(GraphiQL.Logo, null, h(Inside, { inside })),
  );
}

/** Sits inside GraphiQL only to hand its editors and actions out; draws nothing, the bar has the logo. */
function Inside({ inside }) {
  inside.actions = useGraphiQLActions();
  inside.queryEditor = useGraphiQL((state) => state.queryEditor);
  inside.variableEditor = useGraphiQL((state) => state.variableEditor);
  useEffect(() => {
    if (inside.queryEditor && inside.variableEditor) inside.ready();
  });
  return null;
}

function openTab({ actions, queryEditor, variableEditor }, { query, variables }) {
  if (queryEditor.getValue().trim()) actions.addTab();
  queryEditor.setValue(query);
  variableEditor.setValue(variables);
}
