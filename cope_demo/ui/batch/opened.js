// One of the comparisons in the token view. Its columns lie packed in the page, or came with a file that was dropped.

import { el } from '../assets/dom.js';
import { rowsOf } from './digest.js';

export class Opened {
  /**
   * @param {Record<string, any>} table of methods
   * @param {(user: string) => string} name
   */
  constructor(table, name) {
    this.table = table;
    this.name = name;
    this.lead = el('p.lead', { tabindex: -1 });
    this.place = el('div', { hidden: true }, el('div.cope.cope-heatmap', {}));
    this.node = el('div.opened', {}, this.lead, this.place);
    this.props = { value: '' };
    this.changed = null;
    this.asked = 0;
  }

  /**
   * Shows a comparison, and where one is named a token of it.
   * @param {any} digest with the numbers of its packed columns, or its whole trace
   * @param {string} [method]
   * @param {number} [index]
   */
  async show(digest, method = '', index = 0) {
    this.asked += 1;
    const { asked } = this;
    const columns = digest.trace ? unpackTrace(digest.trace) : await Promise.all(digest.packed.map(unpack));
    if (asked !== this.asked) return; // another one was opened meanwhile
    const { header, prompts } = digest;
    const who = this.name(header.user);
    const other = header.against ? this.name(header.against) : '';
    const methods = digest.columns.map(([name]) => name);
    const start = { t: 'start', run: `opened ${asked}`, who, methods, table: this.describe(who, other), ...header, ...(other ? { other } : {}), ...(prompts ? { prompts } : {}) };
    this.lead.textContent = `${who}, alpha ${header.alpha}, tau ${header.tau}. Prompt: ${header.prompt}`;
    this.place.hidden = false;
    this.props.value = '';
    for (const part of [`${JSON.stringify(start)}\n`, ...columns, `${JSON.stringify({ t: 'done', seconds: null })}\n`]) {
      this.props.value += part;
      if (this.changed) this.changed();
      else globalThis.copeView.mount({ element: this.place, props: this.props, watch: (_, changed) => { this.changed = changed; }, trigger: null, server: {} });
      await new Promise(requestAnimationFrame); // a column a frame, so that none of them is long
      if (asked !== this.asked) return;
    }
    this.lead.focus({ preventScroll: true });
    this.lead.scrollIntoView({ block: 'start' });
    const token = `.column[data-method="${CSS.escape(method)}"] .tok[data-index="${index}"]`;
    if (method) /** @type {HTMLElement | null} */ (this.place.querySelector(token))?.click();
  }

  // The methods' table, of these people.
  describe(who, other) {
    const say = (text) => text.replaceAll('the person', () => who).replaceAll('the other person', () => other);
    return Object.fromEntries(Object.entries(this.table).map(([name, row]) =>
      [name, { ...row, label: say(row.label), about: say(row.about), ...(row.amateur ? { amateur: other } : {}) }]));
  }
}

const unpackTrace = (trace) => {
  const rows = rowsOf(trace);
  const line = (message) => `${JSON.stringify(message)}\n`;
  return trace.columns.map(({ method, stopped }) => line({ t: 'tokens', seq: 0, rows: rows.filter(([own]) => own === method) }) + line({ t: 'end', method, stopped }));
};

/** A packed column's messages. @param {number} number @returns {Promise<string>} */
const unpack = async (number) => {
  const packed = Uint8Array.from(atob(document.getElementById(`column-${number}`).textContent), (c) => c.charCodeAt(0));
  return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate'))).text();
};
