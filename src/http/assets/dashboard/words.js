// Numbers, times and names of the API in words.

import { form, language, named, t } from './language.js';

/** By which days and numbers are written. */
export const locale = language === 'en' ? 'en-GB' : language;
const number = new Intl.NumberFormat(language);
const clock = new Intl.DateTimeFormat(locale, { timeStyle: 'medium' });
const day = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short', year: 'numeric' });
const full = new Intl.DateTimeFormat(locale, { dateStyle: 'full', timeStyle: 'long' });
const tenths = new Intl.NumberFormat(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 });

/** 12345 as `12,345`. */
export const count = (n) => number.format(n);

/** `1 channel`, `2 channels`. */
export const plural = (n, noun) => `${count(n)} ${form(n, noun)}`;

/** A share of a whole as `72.4 %`; 100 only if it is all. */
export function percent(part, whole) {
  if (!whole) return '0 %';
  const share = Math.floor((1000 * part) / whole) / 10;
  return `${share < 10 && share > 0 ? tenths.format(share) : Math.floor(share)} %`;
}

/** Seconds as `45 s`, `3 min 20 s`, `2 h 5 min` or `3 d 4 h`. */
export function duration(seconds) {
  const units = [[t('d'), 86_400], [t('h'), 3_600], [t('min'), 60], [t('s'), 1]];
  const first = units.findIndex(([, size]) => seconds >= size);
  if (first < 0) return `0 ${t('s')}`;
  const [name, size] = units[first];
  const [smaller, part] = units[first + 1] ?? ['', Infinity];
  const rest = Math.floor((seconds % size) / part);
  return `${Math.floor(seconds / size)} ${name}${rest ? ` ${rest} ${smaller}` : ''}`;
}

/** An instant in local time: of today `14:03:22`, of other days with the date. */
export function time(instant) {
  const date = new Date(instant);
  const isToday = date.toDateString() === new Date().toDateString();
  return isToday ? clock.format(date) : `${day.format(date)}, ${clock.format(date)}`;
}

/** An instant in full, with the time zone. */
export const exactly = (instant) => full.format(new Date(instant));

/** What is spelled in capitals by everybody. */
const CAPITALS = ['SMS', 'API', 'CRM', 'SMTP'];

/** `CAMPAIGN_STARTED` as `Campaign started`. */
export const name = (constant) =>
  named(constant) ?? (CAPITALS.includes(constant) ? constant : constant.charAt(0) + constant.slice(1).toLowerCase().replaceAll('_', ' '));

/** The details of a line of the audit log, `{ "retried": 3 }` as `retried: 3`. */
export function details(metadata) {
  const entries = Object.entries(metadata ?? {}).filter(([, value]) => value !== null);
  const words = (key) => key.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  const text = (value) => (typeof value === 'string' ? value : JSON.stringify(value));
  return entries.map(([key, value]) => `${words(key)}: ${text(value)}`).join(' · ');
}

const REASONS = {
  NOT_STARTED: t('The campaign has not been started'),
  SCHEDULED: t('The campaign starts by itself'),
  PAUSED: t('The campaign is paused'),
  CAMPAIGN_ENDED: t('The campaign has ended, and this job is about to'),
  FLOOD_WAIT: t('Telegram told the sender to wait'),
  DAILY_BUDGET: t('Its accounts have written to as many new channels as they may today'),
  NO_ACCOUNT: t('No account can send it'),
  DATABASE_TOO_SLOW: t('The database can’t keep up'),
  SLOW_MODE: t('The channel is in slow mode'),
  BACKOFF: t('The last attempt failed; there will be another'),
  UNCONFIRMED: t('It may have gone out; it is repeated in a way that can’t send it twice'),
  STOPPED: t('Everything is stopped; an admin has to resume it'),
  PACING: t('Waits for its turn'),
  SENDING: t('Is being sent'),
};

/** Why a job has not been sent yet, and until when. The API may learn of more reasons than we have words for. */
export function explanation({ reason, until }) {
  const words = REASONS[reason] ?? name(reason);
  if (!until) return `${words}.`;
  const at = { time: time(until) };
  if (reason === 'SCHEDULED') return `${words}${t(' at {time}', at)}.`;
  return `${words}${reason === 'PACING' ? t(', at {time}', at) : t(', until {time}', at)}.`;
}
