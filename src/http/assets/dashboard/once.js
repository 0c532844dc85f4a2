// A thing that is made once, however often somebody presses the button because no answer came.

import { freshKey, isUnanswered } from './api.js';

/**
 * Gives `input` a key and calls `work` with it. The same input after an answer that was lost gets the same key: the server
 * makes nothing twice, and gives the answer that was lost.
 */
export function once() {
  let unanswered = null;
  return async (input, work) => {
    const facts = JSON.stringify(input);
    if (unanswered?.facts !== facts) unanswered = { facts, key: freshKey() };
    try {
      const answer = await work({ ...input, idempotencyKey: unanswered.key });
      unanswered = null;
      return answer;
    } catch (error) {
      if (!isUnanswered(error)) unanswered = null;
      throw error;
    }
  };
}
