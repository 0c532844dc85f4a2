// Our part of the page: the sign-in bar, and how GraphiQL reaches the server. It is a file and not a script in the
// page, because the page's Content-Security-Policy forbids those.
'use strict';

(() => {
  const ENDPOINT = '/graphql';
  const SESSION_KEY = 'herald.session';

  const LOGIN = `
    mutation SignIn($username: String!, $password: String!) {
      login(input: { username: $username, password: $password }) { accessToken user { username role } }
    }`;

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

  // --- The session: { accessToken, username, role }, kept for this tab only, gone when it is closed ------------------

  const loadSession = () => JSON.parse(sessionStorage.getItem(SESSION_KEY));

  const saveSession = (session) =>
    session ? sessionStorage.setItem(SESSION_KEY, JSON.stringify(session)) : sessionStorage.removeItem(SESSION_KEY);

  const authorization = (session) => (session ? { Authorization: `Bearer ${session.accessToken}` } : {});

  // Who is signed in by a cookie needs the second header, which no page of another origin can send.
  const headers = (session) => ({
    'Content-Type': 'application/json',
    Accept: 'application/json',
    'GraphQL-Require-Preflight': '1',
    ...authorization(session),
  });

  const isUnauthenticated = (answer) =>
    (answer.errors ?? []).some((error) => error.extensions?.code === 'UNAUTHENTICATED');

  async function signIn(username, password) {
    const response = await fetch(ENDPOINT, {
      method: 'POST',
      headers: headers(null),
      body: JSON.stringify({ query: LOGIN, variables: { username, password } }),
    });
    const { data, errors } = await response.json();
    if (!data?.login) throw new Error(errors?.[0]?.message ?? `The server answered ${response.status}.`);
    const { accessToken, user } = data.login;
    return { accessToken, username: user.username, role: user.role };
  }

  // --- The way to the server ----------------------------------------------------------------------------------------

  // Queries and mutations go by POST, subscriptions by WebSocket. What somebody writes into the panel "Headers", in
  // whatever case, such as the token of a script, wins over the session in both.
  const fetcherOf = (session) => (request, options) => {
    const own = new Headers(headers(session));
    Object.entries(options?.headers ?? {}).forEach(([name, value]) => own.set(name, value));
    const token = own.get('Authorization');
    // A refusal ends the session only if it was the session's token that was refused.
    const refused = () => token && token === authorization(session).Authorization && expire(session);
    const send = async (url, init) => {
      const response = await fetch(url, { ...init, headers: own });
      response.clone().json().then((answer) => isUnauthenticated(answer) && refused(), () => {});
      return response;
    };
    return GraphiQL.createFetcher({
      url: ENDPOINT,
      fetch: send,
      wsClient: { subscribe: (payload, sink) => subscribe(payload, token, sink, refused) },
      enableIncrementalDelivery: false, // Herald has no @defer
    })(request, options);
  };

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

  // --- The page -----------------------------------------------------------------------------------------------------

  const element = (id) => document.getElementById(id);
  const root = ReactDOM.createRoot(element('ide'));

  function show(session, message = '') {
    element('sign-in').hidden = Boolean(session);
    element('signed-in').hidden = !session;
    element('who').textContent = session ? `${session.username} (${session.role})` : '';
    element('message').textContent = message;
    // A new fetcher makes GraphiQL read the schema again: who is not signed in may not see it.
    root.render(React.createElement(GraphiQL, { fetcher: fetcherOf(session), defaultQuery: DEFAULT_QUERY }));
  }

  // Only the session that was refused: another one may have begun while the answer was on its way.
  function expire(session) {
    if (loadSession()?.accessToken !== session.accessToken) return;
    saveSession(null);
    show(null, 'The session has ended. Sign in again.');
  }

  element('sign-in').addEventListener('submit', async (event) => {
    event.preventDefault();
    const form = event.target;
    const button = form.querySelector('button');
    button.disabled = true;
    try {
      const session = await signIn(form.username.value, form.password.value);
      form.reset();
      saveSession(session);
      show(session);
    } catch (error) {
      element('message').textContent = error.message;
    } finally {
      button.disabled = false;
    }
  });

  element('sign-out').addEventListener('click', () => {
    saveSession(null);
    show(null);
  });

  show(loadSession());
})();
