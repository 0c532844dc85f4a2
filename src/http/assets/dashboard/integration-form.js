// The forms of the providers. Their secrets go in and never come out: who changes one writes them anew.

import { confirm, fill, h, say, toast } from './dom.js';
import { blame, busy, field, trouble } from './forms.js';
import { t } from './language.js';
import { once } from './once.js';
import { run } from './session.js';
import { DELETE_INTEGRATION, SAVE_INTEGRATION } from './things-operations.js';

export const NAMES = { SMTP: 'SMTP', TWILIO: 'Twilio', VAPI: 'VAPI', INSTANTLY: 'Instantly', WEBHOOK: 'Webhooks', KEITARO: 'Keitaro' };

const SECURITY = [['STARTTLS', 'STARTTLS'], ['TLS', 'TLS'], ['NONE', t('None; on this machine only')]];
const text = (name, label, hint, first = '') => ({ name, label, hint, kind: 'text', first });
const secret = (name, label, hint) => ({ name, label, hint, kind: 'password', first: '' });
const number = (name, label, first, most) => ({ name, label, kind: 'number', first, most });

/** What each provider is asked, in its order; the names are those of the API's inputs. */
const FIELDS = {
  SMTP: [
    text('host', t('Server'), t('Such as smtp.example.com')),
    number('port', t('Port'), 587, 65_535),
    { name: 'security', label: t('Privacy of the way'), kind: 'select', options: SECURITY, first: 'STARTTLS' },
    text('username', t('Username')),
    secret('password', t('Password')),
    text('from', t('From'), t('Such as Ann of Example <ann@example.com>')),
    text('replyTo', t('Answers go to'), t('If not to the sender.')),
    text('inbox', t('Mailbox for bounces'), t('Such as inbox@example.com; what comes in is read below, or posted to Herald.')),
    number('perSecond', t('Emails a second at most'), 10, 1000),
    secret('webhookToken', t('Token of what is posted'), t('16 to 128 letters, digits, - or _.')),
    text('imap.host', t('Server of the mailbox (IMAP)')),
    number('imap.port', t('Its port'), 993, 65_535),
    { name: 'imap.security', label: t('Its privacy'), kind: 'select', options: SECURITY, first: 'TLS' },
    text('imap.username', t('Its username')),
    secret('imap.password', t('Its password')),
    text('imap.folder', t('Its folder'), t('INBOX, unless you say another.')),
  ],
  TWILIO: [
    text('accountSid', t('Account SID'), t('AC and 32 hexadecimal digits.')),
    secret('authToken', t('Auth token')),
    text('from', t('Number that messages come from'), t('Such as +14155552671; either this or a Messaging Service.')),
    text('messagingServiceSid', t('Messaging Service SID')),
    number('segmentsPerSecond', t('Segments a second at most'), 1, 1000),
  ],
  VAPI: [
    secret('apiKey', t('Private key')),
    secret('webhookSecret', t('Secret of its reports'), t('You choose it; Herald tells it VAPI with each call.')),
    text('assistantId', t('Assistant'), t('Of calls whose script names none.')),
    text('phoneNumberId', t('Phone number'), t('Of calls whose script names none.')),
  ],
  INSTANTLY: [
    secret('apiKey', t('Key of the API, version 2')),
    secret('webhookSecret', t('Secret of its webhooks'), t('You choose it; Herald sets the webhooks up with it.')),
    { name: 'accounts', label: t('Email accounts'), hint: t('With commas between them.'), kind: 'list', first: '' },
  ],
  WEBHOOK: [secret('secret', t('Secret by which they are signed'))],
  KEITARO: [
    secret('token', t('Token of its postbacks'), t('16 to 128 letters, digits, - or _.')),
    text('currency', t('Currency of revenue that names none'), '', 'USD'),
    { name: 'leadConverts', label: t('A tentative conversion ends sequences'), kind: 'select', options: [['true', t('Yes')], ['false', t('No')]], first: 'true' },
  ],
};

/** What has a first value, which must not take the place of another that was chosen before. */
const MUST = ['number', 'select'];

/** The form; `changed` is called when something was saved. `edit` opens it for one that is there. */
export function integrationForm(changed) {
  const make = once();
  const body = h('div', { class: 'stack' });
  const provider = h('select', {}, Object.entries(NAMES).map(([value, label]) => h('option', { value }, label)));
  const which = field(t('Provider'), provider);
  const active = h('input', { type: 'checkbox', checked: true });
  const check = h('label', { class: 'check' }, active, h('span', {}, t('It is used from now on')));
  const note = h('p', { class: 'quiet small' }, t('What is saved takes the place of what was there. Secrets are stored encrypted and never shown again: write them anew with each change.'));
  const [problem, button] = [trouble(), h('button', { class: 'primary', type: 'submit' }, t('Save the provider'))];
  const form = h('form', { class: 'stack', novalidate: true, onsubmit: submit }, which.node, note, body, check, problem, h('div', {}, button));
  const title = h('summary', {}, t('Set a provider up'));
  const node = h('details', { class: 'card made-form below-cards' }, title, form);
  let places = {};
  let version = null;

  /** The fields of the provider, with what is known of one that is there; what Herald does not tell of it is to be said anew. */
  function draw(known = null) {
    const values = new Map((known ?? []).map(({ name, value }) => [name, value]));
    for (const server of ['', 'imap.']) {
      const [, host, port] = /^(.*):(\d+)$/.exec(values.get(`${server}host`) ?? '') ?? [];
      if (host) values.set(`${server}host`, host).set(`${server}port`, port);
    }
    const first = (one) => values.get(one.name) ?? (known && MUST.includes(one.kind) ? '' : one.first);
    const controls = FIELDS[provider.value].map((one) => [one, field(one.label, control(one, first(one)), one.hint ?? '')]);
    places = Object.fromEntries(controls.map(([one, field]) => [one.name, field]));
    fill(body, h('div', { class: 'fields' }, controls.map(([, { node }]) => node)));
    say(problem, '');
  }

  function edit({ provider: chosen, isActive, fields, version: known }) {
    provider.value = chosen;
    active.checked = isActive;
    draw(fields);
    version = known;
    node.open = true;
    body.querySelector('input').focus();
  }

  async function submit(event) {
    event.preventDefault();
    say(problem, '');
    if (isUnsaid()) return;
    const input = { isActive: active.checked, expectedVersion: version ?? undefined, [provider.value.toLowerCase()]: read(FIELDS[provider.value], places) };
    try {
      await busy(button, t('Saving…'), () => make(input, (input) => run(SAVE_INTEGRATION, { input })));
      toast(t('Saved. Test it, to see whether it works.'));
      version = null;
      draw();
      node.open = false;
      await changed();
    } catch (error) {
      // The mailbox has fields of the same names as the server.
      const of = (isInner) => Object.fromEntries(Object.entries(places).filter(([name]) => name.startsWith('imap.') === isInner).map(([name, place]) => [name.split('.').at(-1), place]));
      const isOfMailbox = error.violations?.some(({ path }) => path.includes('imap'));
      blame(error, of(Boolean(isOfMailbox)), problem);
    }
  }

  /** Whether something has still to be said anew, which is shown. */
  function isUnsaid() {
    const hasMailbox = places['imap.host']?.control.value.trim();
    const asked = FIELDS[provider.value].filter(({ name, kind }) => MUST.includes(kind) && (hasMailbox || !name.startsWith('imap.')));
    const open = asked.map(({ name }) => places[name]).filter(({ control }) => control.value === '');
    for (const place of open) place.complain(t('Herald does not show what it was: say it again.'));
    open[0]?.control.focus();
    return open.length > 0;
  }

  provider.addEventListener('change', () => {
    version = null;
    draw();
  });
  draw();
  return { node, edit };
}

function control({ kind, options, most }, value) {
  if (kind === 'select') return h('select', {}, value === '' && h('option', { value: '' }, '–'), options.map(([one, label]) => h('option', { value: one, selected: one === String(value) }, label)));
  if (kind === 'number') return h('input', { type: 'number', inputmode: 'numeric', min: 0, max: most, step: 1, value });
  if (kind === 'password') return h('input', { type: 'password', autocomplete: 'new-password', maxlength: 512 });
  return h('input', { autocomplete: 'off', autocapitalize: 'none', spellcheck: 'false', maxlength: 1000, value });
}

/** The input of the API: what is empty is left out, and the mailbox is one of its own. */
function read(fields, places) {
  const input = {};
  for (const { name, kind } of fields) {
    const written = places[name].control.value.trim();
    if (written === '') continue;
    const value = { number: Number(written), list: written.split(',').map((word) => word.trim()).filter(Boolean) }[kind] ?? written;
    const [outer, inner] = name.split('.');
    if (inner) input[outer] = { ...input[outer], [inner]: value };
    else input[outer] = name === 'leadConverts' ? written === 'true' : value;
  }
  if (input.imap && !input.imap.host) delete input.imap; // its port and privacy stand there from the start
  return input;
}

/** The button that removes a provider. */
export function removal(id, title, changed) {
  const button = h('button', { type: 'button', class: 'danger', 'aria-label': t('Remove {provider}', { provider: title }), onclick: press }, t('Remove'));
  async function press() {
    const question = { title: t('Remove {provider}?', { provider: title }), sentence: t('Its credentials are deleted; what needs it waits until it is set up again.'), yes: t('Remove the provider'), isGrave: true };
    if (!(await confirm(question))) return;
    try {
      await busy(button, null, () => run(DELETE_INTEGRATION, { id }));
      await changed();
    } catch (error) {
      toast(error.message, 'error');
    }
  }
  return button;
}
