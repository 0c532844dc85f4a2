// Files that are handed over: by a choice, or dropped on the page.

import { ApiError } from './api.js';
import { h } from './dom.js';
import { t } from './language.js';
import { token } from './session.js';
import { percent } from './words.js';

/** Sends a file to POST /uploads and gives its id; `heard` is told the share that has gone out, from 0 to 1. */
export async function send(file, heard) {
  const used = await token();
  const request = new XMLHttpRequest(); // fetch tells nothing of how far it is
  request.open('POST', '/uploads');
  request.setRequestHeader('Content-Type', file.type || 'application/octet-stream');
  request.setRequestHeader('Content-Disposition', `attachment; filename*=UTF-8''${encodeURIComponent(file.name)}`);
  request.setRequestHeader('GraphQL-Require-Preflight', '1');
  if (used) request.setRequestHeader('Authorization', `Bearer ${used}`);
  request.upload.onprogress = ({ loaded, total }) => heard(total ? loaded / total : 0);
  await new Promise((resolve, reject) => {
    request.onload = resolve;
    request.onerror = () => reject(new ApiError(t('The server can’t be reached.')));
    request.send(file);
  });
  return id(request);
}

function id({ status, responseText }) {
  let answer = {};
  try {
    answer = JSON.parse(responseText);
  } catch {
    // A proxy has answered, in a way of its own.
  }
  if (status === 201) return answer.id;
  if (answer.errors?.length) throw ApiError.of(answer.errors[0]);
  throw new ApiError(t('The server answered with status {status}.', { status }));
}

/** A bar from 0 to 1, with its words. */
export function meter(label) {
  const part = h('span');
  const node = h('div', { class: 'bar', role: 'progressbar', 'aria-label': label, 'data-status': 'RUNNING' }, part);
  const update = (share) => {
    part.style.width = `${100 * share}%`;
    node.setAttribute('aria-valuenow', Math.floor(100 * share));
    node.setAttribute('aria-valuetext', percent(share, 1));
  };
  update(0);
  return { node, update };
}

/** A place where a file can be dropped, or chosen by a button in it; `taken` is called with the file. */
export function drop({ label, hint, accept, taken }) {
  const input = h('input', { type: 'file', accept, 'aria-label': label, class: 'unseen' });
  const take = (file) => file && taken(file);
  input.addEventListener('change', () => {
    take(input.files[0]);
    input.value = ''; // the same file can be chosen again
  });
  const node = h('label', { class: 'drop' }, input, h('strong', {}, label), h('span', { class: 'quiet' }, hint));
  const over = (isOver) => (event) => {
    event.preventDefault();
    node.classList.toggle('over', isOver);
  };
  node.addEventListener('dragover', over(true));
  node.addEventListener('dragleave', over(false));
  node.addEventListener('drop', (event) => {
    over(false)(event);
    take(event.dataTransfer.files[0]);
  });
  return { node, input };
}
