// A link to what is shown, made only when its button is pressed: of a lesson its name, of a sample user the settings, of
// adapters from the hub these and their address there.

import { el } from '../assets/dom.js';
import { findMethod } from './methods.js';

const LINK_LIMIT = 1500; // characters of a prompt; longer addresses are cut by mail programs and chats

/**
 * What a link to the comparison says, or null where there can be none. Only a sample user has a name here, and adapters of
 * the hub have one there; whoever fitted their own writing is "you", and gets no link, on whichever side of the contrast.
 * @param {import('./model.js').Model} model
 * @returns {Record<string, any> | null}
 */
export const linkQuery = ({ run, lesson }) => {
  if (!run || run.going || !run.header.prompt || ([run.who, run.header.other].includes('you') && !lesson)) return null;
  if (lesson) return { lesson: lesson.id };
  const { user, adapter, prompt, alpha, tau, repetition_penalty, against } = run.header;
  const more = run.methods.filter((method) => findMethod(run.header.table, method).optional);
  const given = { prompt, alpha, tau, repetition_penalty, ...run.decoding, ...(against ? { against } : {}), ...(more.length ? { columns: more.join(',') } : {}) };
  return { ...(adapter ? { adapter } : { user }), ...given };
};

/**
 * Why a link would not work, or ''.
 * @param {Record<string, any>} query as of linkQuery
 */
export const linkProblem = ({ prompt = '' }) => (prompt.length > LINK_LIMIT
  ? `The prompt has ${prompt.length} characters, and a link holds ${LINK_LIMIT}; shorten it.` : '');

/** @param {Record<string, any>} query as of linkQuery */
const describe = ({ lesson, adapter }) => {
  if (lesson) return 'It opens this lesson.';
  if (adapter) return 'It holds the adapters’ name on the hub, the prompt and the settings; it opens for whoever may read them there.';
  return 'It holds the sample user, the prompt and the settings, and opening it runs nothing.';
};

export class LinkButton {
  /**
   * @param {import('./model.js').Model} model
   * @param {string} address where the page is shown to people, such as a Space's; '' for its own address
   */
  constructor(model, address) {
    this.model = model;
    this.address = address || `${location.origin}${location.pathname}`;
    this.button = el('button.quiet', { type: 'button', onclick: () => this.make() }, 'Copy link');
    this.status = el('p', { role: 'status' });
    this.field = el('input', { type: 'text', readonly: true, hidden: true, 'aria-label': 'The link', onfocus: () => this.field.select() });
    this.node = el('div.cope-link', { hidden: true }, this.button, this.field, this.status);
    for (const event of ['run', 'done', 'lesson']) model.on(event, () => this.refresh());
    this.refresh();
  }

  refresh() {
    this.node.hidden = !linkQuery(this.model);
    this.field.hidden = true;
    this.status.textContent = '';
  }

  async make() {
    const query = linkQuery(this.model);
    this.status.textContent = linkProblem(query);
    if (this.status.textContent) return;
    this.field.value = `${this.address}?${new URLSearchParams(query)}`;
    this.field.hidden = false;
    const holds = describe(query);
    try {
      await navigator.clipboard.writeText(this.field.value);
      this.status.textContent = `Copied. ${holds}`;
    } catch {
      this.field.focus();
      this.status.textContent = `Copy it from the field. ${holds}`;
    }
  }
}
