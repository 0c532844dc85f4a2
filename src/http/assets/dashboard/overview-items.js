// What the overview says of things that need a hand, and of those that wait: an item is `{ id, about, sentence, remedy, href, act }`.

import { closed } from './api.js';
import { t } from './language.js';
import { done } from './progress.js';
import { count, plural, time } from './words.js';

/** What is wrong with an account, and what helps. */
const PARKED = {
  RESTRICTED: [t('Telegram limits this account for spam.'), t('Ask Telegram’s @SpamBot with it, then release it.')],
  FROZEN: [t('Telegram lets this account read only.'), t('Its owner may appeal in a Telegram app.')],
  NEEDS_LOGIN: [t('The session of this account has ended.'), t('Give it a new session string.')],
  BANNED: [t('Telegram has closed this account for good.'), t('Remove it, and give its campaigns another.')],
};

const isMissed = ({ scheduleMissedAt }) => Boolean(scheduleMissedAt);
const look = (id) => ({ href: `#/campaigns/${id}`, act: t('Look') });

/** What waits for somebody to mend it. */
export function handItems({ stuck, missed, latest, parked, mailboxes, sick, callbacks }) {
  return [
    ...stuck.nodes.map(({ id, name, pauseReason }) => ({
      id,
      about: name,
      sentence: t('It paused by itself.'),
      remedy: closed(pauseReason ?? ''),
      ...look(id),
    })),
    ...missed.nodes.filter(isMissed).map(({ id, name, scheduleMissedAt, scheduleMissedReason }) => ({
      id,
      about: name,
      sentence: t('Its schedule was given up at {time}.', { time: time(scheduleMissedAt) }),
      remedy: scheduleMissedReason && closed(scheduleMissedReason),
      ...look(id),
    })),
    ...latest.nodes.filter(({ counters, jobsRemovedAt }) => counters.unknown && !jobsRemovedAt).map(({ id, name, counters }) => ({
      id: `unknown ${id}`, // the same campaign may have paused, too
      about: name,
      sentence: t('Nobody knows whether it was sent: {jobs}.', { jobs: plural(counters.unknown, 'message') }),
      ...look(id),
    })),
    ...(mailboxes?.nodes ?? []).filter(({ mailbox }) => mailbox?.error).map(({ id, mailbox }) => ({
      id,
      about: t('Mailbox'),
      sentence: t('It can’t be read.'),
      remedy: closed(mailbox.error),
      href: '#/integrations',
      act: t('Integrations'),
    })),
    ...(parked?.nodes ?? []).map(({ id, label, status, lastError }) => ({
      id,
      about: label,
      sentence: PARKED[status][0],
      remedy: [PARKED[status][1], lastError && t('Telegram said: {answer}.', { answer: lastError })].filter(Boolean).join(' '),
      href: '#/accounts',
      act: t('Accounts'),
    })),
    ...sick.nodes.filter(({ pauseReason }) => pauseReason).map(({ id, name, pauseReason }) => ({
      id,
      about: name,
      sentence: t('This sequence waits for somebody to look.'),
      remedy: closed(pauseReason),
      href: `#/sequences/${id}`,
      act: t('Look'),
    })),
    ...(callbacks?.totalCount ? [failedCallbacks(callbacks.totalCount)] : []),
  ];
}

/** How many there are besides those that were read. */
export const handRest = ({ stuck, parked }) =>
  [stuck, parked].reduce((sum, list) => sum + (list ? list.totalCount - list.nodes.length : 0), 0);

const failedCallbacks = (number) => ({
  id: 'callbacks',
  about: t('Callbacks'),
  sentence: t('{callbacks} of providers could not be understood.', { callbacks: plural(number, 'callback') }),
  href: '#/integrations?status=FAILED',
  act: t('Log'),
});

const stopped = ({ at, reason }) => ({
  id: 'stop',
  about: t('Everything'),
  sentence: t('is stopped since {time}: {reason}', { time: time(at), reason }),
});

/** What is not sent yet, and until when. */
export function waitItems({ serverInfo: { stop }, waiting, paused, queued, missed }) {
  const waits = paused.totalCount + queued.totalCount - missed.nodes.filter(isMissed).length;
  const shown = paused.nodes.length + queued.nodes.filter((campaign) => !isMissed(campaign)).length;
  return [
    ...(stop ? [stopped(stop)] : []),
    ...(waiting?.nodes ?? []).map(({ id, label, sendsResumeAt }) => ({
      id,
      about: label,
      sentence: sendsResumeAt ? t('Telegram lets it send again at {time}.', { time: time(sendsResumeAt) }) : t('Telegram told it to wait.'),
      href: '#/accounts',
      act: t('Accounts'),
    })),
    ...paused.nodes.map(({ id, name, counters }) => ({
      id,
      about: name,
      sentence: t('Somebody has paused it; {jobs} to go.', { jobs: plural(counters.total - done(counters), 'message') }),
      ...look(id),
    })),
    ...queued.nodes.filter((campaign) => !isMissed(campaign)).map(({ id, name, scheduledAt, totalJobs }) => ({
      id,
      about: name,
      sentence: scheduledAt
        ? t('Starts by itself at {time}, with {channels}.', { time: time(scheduledAt), channels: plural(totalJobs, 'channel') })
        : t('Waits for its start, with {channels}.', { channels: plural(totalJobs, 'channel') }),
      ...look(id),
    })),
    ...more(waits - shown),
  ];
}

/** Those for which there is no room. */
const more = (number) =>
  number > 0
    ? [
        {
          id: 'more',
          about: t('{count} more', { count: count(number) }),
          sentence: t('wait as well.'),
          href: '#/campaigns?status=QUEUED',
          act: t('All'),
        },
      ]
    : [];
