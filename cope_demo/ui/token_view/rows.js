// The candidates of one decision as rows with bars. The phase only changes what the style sheet shows, and at its end the order;
// other settings change lengths and numbers in place, so that a slider can be dragged.
//   ask    both models' bars; who is chosen is not told      both   the same, and the written word is marked
//   0, 1, 2, 3   what is likely for the person; the cut; less base; the winner

import { el, formula, signed } from '../assets/dom.js';
import { coded, decimal, plain } from './choice.js';
import { arrange, rise } from './motion.js';
import { percent } from './numbers.js';

/** @typedef {'ask' | 'both' | 0 | 1 | 2 | 3} Phase */

export class Rows {
  constructor() {
    /** @type {import('./choice.js').Choice | null} what is shown */
    this.choice = null;
    this.list = el('ol', {});
    this.tau = el('span.tau', {});
    this.node = el('div.cope-rows', {},
      el('div.row.names', {}, el('span.word', {}, 'candidate'), el('span.shares', {}, this.tau), el('span.of', {}, 'log ', formula('π_user')),
        el('span.less', {}, '− α · log ', formula('π_base')), el('span.r', {}, 'score')),
      this.list);
  }

  /**
   * @param {import('./choice.js').Choice} choice
   * @param {Phase} phase
   * @param {boolean} [dragged] whether a slider is being dragged, which bars follow at once
   */
  draw(choice, phase, dragged = false) {
    const was = this.choice;
    const same = was?.token === choice.token && was.rows.map((other) => other.id).join() === choice.rows.map((other) => other.id).join();
    this.choice = choice;
    if (!same) this.build();
    this.node.classList.toggle('dragged', dragged);
    this.node.dataset.phase = String(phase);
    this.paint();
    this.order(phase === 3 ? choice.ranked : choice.rows);
    if (!same) rise(this.list.querySelectorAll(phase === 'ask' || phase === 'both' ? '.share' : '.share.expert'));
  }

  /** The row's word of a candidate, from which it drops into the sentence. @param {number} id */
  word(id) {
    return this.nodes.get(id)?.querySelector('code') || null;
  }

  build() {
    this.nodes = new Map(this.choice.rows.map((other) => [other.id, this.row(other)]));
    this.shown = null;
  }

  row(other) {
    const { choice } = this;
    const length = (logp) => choice.share(logp).toFixed(4);
    return el('li.row', { style: `--p:${length(other.expert)};--q:${length(other.logp_base)}` },
      el('span.word', {}, coded(other), el('span.tag.out', {}, 'cut'), el('span.tag.win', {}),
        choice.penalized.includes(other) ? el('span.tag.held', {}, 'written before') : null),
      el('span.shares', {},
        el('span.line', {}, el('i.had', {}), el('i.share.expert', {}), el('b', {}, percent(other.expert))),
        el('span.line.base', {}, el('i.share.amateur', {}), el('b', {}, percent(other.logp_base)))),
      el('span.of', {}, plain(other.expert)), el('span.less', {}), el('span.r', {}));
  }

  // What the settings change of a row.
  paint() {
    const { choice } = this;
    this.node.style.setProperty('--cut', Math.exp(choice.cut - choice.top).toFixed(4));
    this.tau.textContent = `τ ${decimal(choice.tau)}`;
    const won = choice.moved ? 'would win' : choice.forced ? 'your choice' : choice.sampled ? 'drawn' : 'wins';
    for (const other of choice.rows) {
      const node = this.nodes.get(other.id);
      const inside = choice.isIn(other);
      node.style.setProperty('--left', choice.left(other).toFixed(4));
      node.classList.toggle('cut', !inside);
      node.classList.toggle('won', other.id === choice.chosen.id);
      node.classList.toggle('first', other.id === choice.favourite.id);
      node.querySelector('.win').textContent = won;
      node.querySelector('.less').textContent = signed(-choice.alpha * other.logp_base, 2);
      node.querySelector('.r').textContent = inside ? plain(choice.score(other)) : '−∞';
    }
  }

  order(rows) {
    const ids = rows.map((other) => other.id).join();
    if (this.shown === ids) return;
    const moved = this.shown !== null;
    this.shown = ids;
    const nodes = rows.map((other) => this.nodes.get(other.id));
    if (moved) arrange(nodes, () => this.list.replaceChildren(...nodes));
    else this.list.replaceChildren(...nodes);
  }
}
