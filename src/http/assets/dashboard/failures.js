// Why jobs of a campaign failed: grouped, with what can be done, and a retry for each reason.

import { retried } from './controls.js';
import { confirm, h, list, say, toast } from './dom.js';
import { RETRY_REASONS } from './operations.js';
import { RUNS_CAMPAIGNS } from './roles.js';
import * as session from './session.js';
import { plural } from './words.js';
import { t } from './language.js';

/** The section; it is hidden while nothing has failed. `changed` is called after a retry, `show` with a reason lists its jobs. */
export function failures(changed, show) {
  const rows = h('ul', { class: 'told' });
  let campaign;
  const shown = list(rows, ({ id }) => row(id));
  const title = h('h2', { id: 'failures' }, t('Why jobs failed'));
  const node = h('section', { class: 'card', 'aria-labelledby': 'failures', hidden: true }, title, rows);

  function row(reason) {
    const parts = { count: h('strong'), sentence: h('span'), remedy: h('p', { class: 'quiet' }) };
    const jobs = h('button', { onclick: () => show(reason) }, t('Show'));
    const again = h('button', { onclick: () => retry(reason) }, t('Retry these'));
    const buttons = h('span', { class: 'controls' }, jobs, session.user() && mayRetry() ? again : null);
    const line = h('div', {}, h('p', {}, parts.sentence, ' ', parts.count), parts.remedy, h('code', {}, reason));
    const update = (failure) => {
      say(parts.count, `(${plural(failure.count, 'job')})`);
      say(parts.sentence, failure.sentence);
      say(parts.remedy, failure.remedy);
      again.disabled = campaign.status === 'CANCELLED' || Boolean(campaign.jobsRemovedAt);
      again.title = campaign.jobsRemovedAt ? t('Its messages are kept no longer.') : '';
    };
    return { node: h('li', { 'data-reason': reason }, line, buttons), update };
  }

  async function retry(reason) {
    const failure = campaign.failures.find((failure) => failure.reason === reason);
    if (!failure) return; // it has just been retried by somebody else
    const sentence = `${failure.sentence} ${failure.remedy}`;
    if (!(await confirm({ title: t('Retry {jobs}?', { jobs: plural(failure.count, 'job') }), sentence, yes: t('Retry') }))) return;
    try {
      toast(retried(await session.run(RETRY_REASONS, { id: campaign.id, errors: [reason] })));
    } catch (error) {
      toast(error.message, 'error');
    }
    await changed();
  }

  const update = (next) => {
    campaign = next;
    node.hidden = next.failures.length === 0;
    shown.show(next.failures.map((failure) => ({ ...failure, id: failure.reason })));
  };
  return { node, update };
}

const mayRetry = () => RUNS_CAMPAIGNS.includes(session.user().role);
