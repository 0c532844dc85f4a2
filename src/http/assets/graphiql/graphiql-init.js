// Our part of the page: the sign-in bar, and how GraphiQL reaches the server. It is a file and not a script in the
// page, because the page's Content-Security-Policy forbids those. The session is the dashboard's: who is signed in there
// is signed in here.

import * as session from '/dashboard/session.js';

const ENDPOINT = '/graphql';

const DEFAULT_QUERY = `# Sign in above. Ctrl-Enter runs the operation at the cursor,
# Ctrl-Space completes names, and the book at the left has the
# documentation of every type and field.

query WhoAmI {
  viewer {
    username
    role
  }
}

# Lists come in pages: of 25, or of up to 100 with \`first\`.
query Campaigns {
  broadcastCampaigns(first: 5) {
    nodes {
      id
      name
      status
      progress
      totalJobs
    }
    totalCount
  }
}

# Live: all counters at each change, until the campaign ends.
# Give its id in the panel "Variables": { "id": "..." }
subscription Progress($id: ID!) {
  broadcastCampaignProgress(id: $id) {
    status
    total
    queued
    sending
    sent
    failed
    ratePerMinute
    etaSeconds
    at
  }
}
`;

// --- The way to the server ----------------------------------------------------------------------------------------

// Queries and mutations go by POST, subscriptions by WebSocket. What somebody writes into the panel "Headers", in
// whatever case, such as the token of a script, wins over the session in both.
async function fetcher(request, options) {
  // Who is signed in by a cookie needs the first header, which no page of another origin can send.
  const headers = new Headers({ 'GraphQL-Require-Preflight': '1' });
  headers.set('Content-Type', 'application/json');
  headers.set('Accept', 'application/json');
  const ours = await session.token();
  if (ours) headers.set('Authorization', `Bearer ${ours}`);
  Object.entries(options?.headers ?? {}).forEach(([name, value]) => headers.set(name, value));
  const token = headers.get('Authorization');
  // If it was the session's token that was refused, there is another one, or the session has ended.
  const refused = () => token === `Bearer ${ours}` && session.another(ours).catch(() => {});
  const send = async (url, init) => {
    const response = await fetch(url, { ...init, headers });
    response.clone().json().then((answer) => isUnauthenticated(answer) && refused(), () => {});
    return response;
  };
  return GraphiQL.createFetcher({
    url: ENDPOINT,
    fetch: send,
    wsClient: { subscribe: (payload, sink) => subscribe(payload, token, sink, refused) },
    enableIncrementalDelivery: false, // Herald has no @defer
  })(request, options);
}

const isUnauthenticated = (answer) =>
  (answer.errors ?? []).some((error) => error.extensions?.code === 'UNAUTHENTICATED');

// The protocol graphql-transport-ws, one socket a subscription; returns the function that stops it. GraphiQL's own
// client would try six times in 40 seconds before it told that the server had refused.
function subscribe(payload, token, sink, refused) {
  const socket = new WebSocket(new URL(ENDPOINT, location.href).href.replace(/^http/, 'ws'), 'graphql-transport-ws');
  const tell = (message) => socket.readyState === WebSocket.OPEN && socket.send(JSON.stringify(message));
  let over = false;

  const finish = (errors) => {
    if (over) return;
    over = true;
    socket.close(1000);
    if (errors) sink.next({ errors });
    sink.complete();
  };

  const answers = {
    connection_ack: () => tell({ type: 'subscribe', id: '1', payload }),
    ping: () => tell({ type: 'pong' }),
    next: (message) => over || sink.next(message.payload),
    error: (message) => finish(message.payload),
    complete: () => finish(),
  };

  socket.onopen = () => tell({ type: 'connection_init', payload: token ? { Authorization: token } : {} });
  socket.onmessage = (event) => {
    const message = JSON.parse(event.data);
    answers[message.type]?.(message);
  };
  socket.onclose = ({ code, reason }) => {
    if (code === 4401 || code === 4403) refused();
    finish([{ message: `The connection was closed: ${code} ${reason}`.trim() }]);
  };

  return () => {
    tell({ type: 'complete', id: '1' });
    finish();
  };
}

// What a link brings along: ?query=, ?variables= and ?operationName=, as GraphiQL elsewhere takes them. It is not run by itself.
const linked = new URLSearchParams(location.search);
const LINKED = linked.has('query')
  ? {
      query: linked.get('query'),
      variables: linked.get('variables') ?? undefined,
      operationName: linked.get('operationName') ?? undefined,
    }
  : {};

// --- The documented operations --------------------------------------------------------------------------------------

// One for each thing that the API does, as the repository has them in schema/operations. Choosing one opens it, and runs nothing.
async function fillMenu() {
  const menu = document.getElementById('operations');
  const operations = await (await fetch('/graphiql/operations.json')).json();
  for (const kind of ['query', 'mutation', 'subscription']) {
    const group = document.createElement('optgroup');
    group.label = { query: 'Read', mutation: 'Change', subscription: 'Watch' }[kind];
    for (const { name, document: text } of operations.filter((operation) => operation.kind === kind)) {
      const option = document.createElement('option');
      option.textContent = name;
      option.value = text;
      group.append(option);
    }
    menu.append(group);
  }
  menu.addEventListener('change', () => {
    if (menu.value) location.search = new URLSearchParams({ query: menu.value });
  });
}

// --- The page -------------------------------------------------------------------------------------------------------

const element = (id) => document.getElementById(id);
const root = ReactDOM.createRoot(element('ide'));

function show(why = '') {
  const user = session.user();
  element('sign-in').hidden = Boolean(user);
  element('signed-in').hidden = !user;
  element('who').textContent = user ? `${user.username} (${user.role})` : '';
  element('message').textContent = why;
  // A new fetcher makes GraphiQL read the schema again: who is not signed in may not see it.
  const own = (request, options) => fetcher(request, options);
  root.render(React.createElement(GraphiQL, { fetcher: own, defaultQuery: DEFAULT_QUERY, ...LINKED }));
}

element('sign-in').addEventListener('submit', async (event) => {
  event.preventDefault();
  const form = event.target;
  const button = form.querySelector('button');
  button.disabled = true;
  try {
    await session.signIn(form.username.value, form.password.value);
    form.reset();
  } catch (error) {
    element('message').textContent = error.message;
  } finally {
    button.disabled = false;
  }
});

element('sign-out').addEventListener('click', () => session.signOut());
session.events.addEventListener('change', ({ detail }) => show(detail));

show();
session.recognise();
fillMenu().catch((error) => {
  element('message').textContent = `The operations could not be read: ${error.message}`;
});
