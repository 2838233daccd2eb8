// Where the columns part, and where contrast overruled: a list to walk through with two buttons, or the keys n and p.
// A divergence is the first token at which a column parts from the one on its left (a further column: from the one that it
// varies), and every overruled token.

import { el, plural } from '../assets/dom.js';

/**
 * @typedef {{ method: string, index: number, what: string }} Divergence
 * @param {import('./model.js').Model} model
 * @returns {Divergence[]} in the order of reading: by token, then by column
 */
export const divergences = (model) => {
  const list = [];
  if (model.run.methods.some((method) => model.isGiven(method))) return list; // other texts, not other decisions
  const columns = model.run.methods.map((method) => model.columns[method]);
  columns.forEach(({ method, tokens }, number) => {
    const beside = columns.slice(0, number).find((other) => other.method === model.method(method).varies) || columns[number - 1];
    const left = beside?.tokens;
    const parts = left ? tokens.findIndex((token, index) => token.id !== left[index]?.id) : -1;
    tokens.forEach((token, index) => {
      const what = index === parts && left.length ? `${model.name(method)} parts from ${model.name(beside.method)}` : '';
      if (what || model.isOverruled(method, index)) list.push({ method, index, what: what || 'contrast overruled the favourite' });
    });
  });
  const order = model.run.methods;
  return list.sort((a, b) => a.index - b.index || order.indexOf(a.method) - order.indexOf(b.method));
};

/**
 * Where a token stands in the list: the place of an entry, or halfway between two; -0.5 before the first.
 * @param {Divergence[]} list
 * @param {{ method: string, index: number } | null} token
 * @param {string[]} order the columns from left to right
 */
export const positionIn = (list, token, order) => {
  if (!token) return -0.5;
  const before = list.filter((one) => one.index < token.index || (one.index === token.index && order.indexOf(one.method) < order.indexOf(token.method))).length;
  const here = list[before];
  return here?.index === token.index && here.method === token.method ? before : before - 0.5;
};

/**
 * The entry after a position (by 1) or before it (by -1); the list goes round.
 * @param {Divergence[]} list
 * @param {number} position as of positionIn
 * @param {number} by
 * @returns {Divergence | undefined} undefined where the list is empty
 */
export const neighbour = (list, position, by) => {
  const next = by > 0 ? Math.floor(position) + 1 : Math.ceil(position) - 1;
  return list[(next + list.length) % list.length];
};

export class Differences {
  /**
   * @param {import('./model.js').Model} model
   * @param {(method: string, index: number) => void} go shows that token
   */
  constructor(model, go) {
    this.model = model;
    this.go = go;
    this.list = [];
    this.words = el('span', { role: 'status' });
    const button = (by, name, sign) => el('button.small', { type: 'button', 'aria-label': name, title: `${name} (key ${by > 0 ? 'n' : 'p'})`, onclick: () => this.jump(by) }, sign);
    this.node = el('div.differences', { role: 'group', 'aria-label': 'Divergences', hidden: true }, this.words, button(-1, 'Previous divergence', '\u2191'), button(1, 'Next divergence', '\u2193'));
    for (const event of ['run', 'done', 'branch']) model.on(event, () => this.collect());
    model.on('selection', () => this.paint());
  }

  collect() {
    this.list = this.model.run.going ? [] : divergences(this.model);
    this.node.hidden = !this.list.length;
    this.paint();
  }

  // by: 1 for the next divergence, -1 for the one before.
  jump(by) {
    const next = neighbour(this.list, this.position, by);
    if (next) this.go(next.method, next.index);
  }

  get position() {
    return positionIn(this.list, this.model.selection, this.model.run?.methods);
  }

  paint() {
    const at = this.position;
    const one = this.list[at];
    this.words.textContent = one ? `${at + 1} of ${this.list.length}: ${one.what}` : plural(this.list.length, 'divergence', 'divergences');
  }
}
