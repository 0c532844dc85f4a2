// The form of a new A/B test: where it divides, between which two scripts, and what counts.

import { h, say, toast } from './dom.js';
import { blame, busy, field, offer, picker, trouble } from './forms.js';
import { t } from './language.js';
import { once } from './once.js';
import { CREATE_TEST, SCRIPTS, TEST_CAMPAIGNS } from './sequence-operations.js';
import { run } from './session.js';
import { name } from './words.js';

const CHANNELS = ['EMAIL', 'SMS', 'CALL', 'TELEGRAM', 'WEBHOOK'];
const number = (value, min, max) => h('input', { type: 'number', inputmode: 'numeric', min, max, step: 1, value });
const select = (options) => h('select', {}, options.map(([value, label]) => h('option', { value }, label)));

/** The form; `goals` are the words for each goal, `changed` is called when there is a test more. */
export function newTest(goals, changed) {
  const make = once();
  const title = field(t('Name'), h('input', { maxlength: 200, autocomplete: 'off', required: true }));
  const channel = field(t('Way of contact'), select(CHANNELS.map((one) => [one, name(one)])));
  const [a, b] = [field(t('Variant A'), h('select')), field(t('Variant B'), h('select'))];
  const goal = field(t('What counts'), select(Object.entries(goals)));
  const sample = field(t('Leads of each at least'), number(1000, 10, 10_000_000));
  const days = field(t('Days at least'), number(7, 0, 365), t('Whole weeks are best: people are others on Sundays.'));
  const [problem, button] = [trouble(), h('button', { class: 'primary', type: 'submit' }, t('Make the test'))];
  let campaignId = '';
  const campaign = picker({
    label: t('Campaign whose contacts are divided'),
    prompt: t('Choose a campaign'),
    chosen: '',
    read: async (search) => {
      const { totalCount, nodes } = (await run(TEST_CAMPAIGNS, { search })).retentionCampaigns;
      return { totalCount, options: nodes.map(({ id, name }) => [id, name]) };
    },
    one: async () => null, // what was chosen is known
    taken: (id) => {
      campaignId = id;
      campaign.complain();
    },
  });

  async function scripts() {
    const { scripts } = await run(SCRIPTS, { channel: channel.control.value });
    for (const place of [a, b]) offer(place.control, [['', t('Choose a script')], ...scripts.nodes.map(({ id, name }) => [id, name])], '');
  }

  async function submit(event) {
    event.preventDefault();
    say(problem, '');
    const lacks = [[campaign, campaignId, t('Choose a campaign')], [a, a.control.value, t('Choose a script')], [b, b.control.value, t('Choose a script')]].filter(([, value]) => !value);
    for (const [place, , words] of lacks) place.complain(`${words}.`);
    if (lacks.length) return lacks[0][0].control.focus();
    const input = {
      name: title.control.value.trim(),
      campaignId,
      channel: channel.control.value,
      variantAId: a.control.value,
      variantBId: b.control.value,
      goal: goal.control.value,
      minSample: Number(sample.control.value),
      minDays: Number(days.control.value),
    };
    try {
      await busy(button, t('Saving…'), () => make(input, (input) => run(CREATE_TEST, { input })));
      toast(t('The test is made. It divides nobody before it is started.'));
      title.control.value = '';
      node.open = false;
      await changed();
    } catch (error) {
      blame(error, { name: title, campaignId: campaign, channel, variantAId: a, variantBId: b, goal, minSample: sample, minDays: days }, problem);
    }
  }

  const unread = (error) => say(problem, error.message);
  channel.control.addEventListener('change', () => scripts().catch(unread));
  const variants = h('div', { class: 'fields' }, channel.node, a.node, b.node);
  const rule = h('div', { class: 'fields' }, goal.node, sample.node, days.node);
  const form = h('form', { class: 'stack', novalidate: true, onsubmit: submit }, title.node, campaign.node, variants, rule, problem, h('div', {}, button));
  const node = h('details', { class: 'card made-form' }, h('summary', {}, t('New test')), form);
  node.addEventListener('toggle', () => node.open && Promise.all([campaign.load(), scripts()]).catch(unread));
  return { node, stop: campaign.leave };
}
