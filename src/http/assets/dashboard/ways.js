// The ways by which leads are reached, as small pictures, and what the states of a step come to.

import { svg } from './dom.js';

const PATHS = {
  EMAIL: 'M3 6h18v12H3z M3 7l9 7 9-7',
  SMS: 'M4 5h16v11H10l-5 4v-4H4z',
  CALL: 'M6 3h4l1.5 5-2.5 1.5a12 12 0 0 0 5.5 5.5L16 12.5l5 1.5v4a2 2 0 0 1-2.2 2A17 17 0 0 1 4 5.200A2 2 0 0 1 6 3z',
  WEBHOOK: 'M9 8l-5 4 5 4 M15 8l5 4-5 4',
  TELEGRAM: 'M21 4L3 11l6 2.500L18 7l-6.500 8 5.500 4z M9 13.500V20l2.500-4',
};

/** The picture of a way; its name stands beside it. */
export const way = (channel) =>
  svg('svg', { class: 'way', viewBox: '0 0 24 24', 'aria-hidden': 'true' }, svg('path', { d: PATHS[channel] }));

const of = (counts, ...statuses) => counts.reduce((sum, { status, count }) => sum + (statuses.includes(status) ? count : 0), 0);

/** What became of a step for its leads. */
export const figuresOf = (counts) => ({
  waiting: of(counts, 'PENDING', 'SCHEDULED'),
  sent: of(counts, 'SENT', 'DELIVERED'),
  failed: of(counts, 'FAILED'),
  unknown: of(counts, 'UNKNOWN'),
  skipped: of(counts, 'SKIPPED'),
  cancelled: of(counts, 'CANCELLED'),
});

/** How many enrollments have this status. */
export const enrolled = (counts, status) => of(counts, status);
