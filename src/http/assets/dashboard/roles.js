// Who may do what, as far as a page shows it; the API decides.

import { h } from './dom.js';
import { t } from './language.js';
import { user } from './session.js';

/** Who may run campaigns. */
export const RUNS_CAMPAIGNS = ['ADMIN', 'OPERATOR'];

/** The way to a new campaign, for those who may make one. */
export const makeOne = () =>
  RUNS_CAMPAIGNS.includes(user().role) && h('a', { class: 'button primary', href: '#/new' }, t('New campaign'));
