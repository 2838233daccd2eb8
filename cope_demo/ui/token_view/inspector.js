// The pinned token: what it was chosen from, under both models, and what other settings would have chosen.
// A panel beside the columns, which it does not cover; in a narrow window a sheet at the bottom, and the columns stay in view
// above it.

import { el, fill, signed } from '../assets/dom.js';
import { pageTop } from '../assets/scroll.js';
import { LookUp } from './lookup.js';
import { clip, percent, placeWords, screenReaderText, showInvisible } from './numbers.js';
import { wordAndNumbers } from './tooltip.js';
import { WhatIf } from './whatif.js';
import { isPenalized, why } from './why.js';
import { findFavourite, findHead, findWinner } from './winner.js';

const LEAST = 260; // pixels of its height
const EDGE = 10; // pixels to the window's top and bottom

/**
 * @typedef {object} Actions
 * @property {() => void} close
 * @property {((method: string, index: number, other: import('./token.js').Candidate) => void) | null} choose writes it there and goes on; null without a server
 * @property {((method: string, index: number, winner: import('./token.js').Candidate) => void) | null} continueWith the same, at the what-if's settings
 * @property {((run: string, asked: object) => Promise<any>) | null} lookUp asks the server for any word's numbers
 */

export class Inspector {
  /**
   * @param {import('./model.js').Model} model
   * @param {Actions} actions
   */
  constructor(model, actions) {
    this.model = model;
    this.actions = actions;
    this.whatIf = new WhatIf(model, actions);
    this.lookUp = new LookUp(model, actions.lookUp);
    this.word = el('div.token', {});
    this.choices = el('div.choices', {});
    this.where = el('p.where', {});
    const step = (by, name, sign) => el('button.small', { type: 'button', 'aria-label': name, onclick: () => this.move(by) }, sign);
    this.node = el('section.inspector', { tabindex: -1, 'aria-label': 'Why this token', hidden: true },
      el('div.head', {}, this.where, el('span.steps', {}, step(-1, 'Previous token', '\u2190'), step(1, 'Next token', '\u2192')),
        el('button.close', { type: 'button', 'aria-label': 'Close', onclick: () => actions.close() }, '\u00d7')),
      el('div.parts', {}, el('div.side', {}, this.word, this.lookUp.node), this.choices, this.whatIf.node));
    model.on('selection', () => { this.paint(); this.fitWindow(); });
    for (const event of ['scroll', 'resize']) addEventListener(event, () => this.fitWindow(), { passive: true });
    model.on('whatif', () => this.paintChoices());
    for (const event of ['done', 'branch']) model.on(event, () => this.paint());
    model.on('tokens', () => { if (this.node.hidden && model.selection) this.paint(); });
  }

  /** Whether it is open and lies over the page's bottom. */
  isSheet() {
    return !this.node.hidden && getComputedStyle(this.node).position === 'fixed';
  }

  // Beside the columns it is as high as the window leaves it below its top, which sticks to the window's; as a sheet, what
  // its style says.
  fitWindow() {
    if (this.node.hidden) return;
    const top = this.isSheet() ? 0 : Math.max(EDGE, this.node.getBoundingClientRect().top);
    this.node.style.maxHeight = top ? `${Math.max(LEAST, innerHeight - top - EDGE)}px` : '';
  }

  /**
   * The highest and the lowest place of the window's top, in pixels from the page's top, at which the panel beside the columns is
   * in sight: it begins where they do, and sticks to the window's top as long as they are longer than it is.
   * @returns {[number, number]}
   */
  placesInSight() {
    const desk = this.node.parentElement;
    const top = pageTop(desk);
    return [top + LEAST + EDGE - innerHeight, top + desk.offsetHeight - this.node.offsetHeight - EDGE];
  }

  move(by) {
    const { method, index } = this.model.selection;
    this.model.select(method, index + by, true);
  }

  paint() {
    const { selection, selected } = this.model;
    this.node.hidden = !selection?.pinned || !selected;
    if (this.node.hidden) return;
    const { method, index } = selection;
    this.where.replaceChildren();
    fill(this.where, [el('b', {}, this.model.name(method)), `, ${placeWords(this.model.columns[method].tokens, index)}`]);
    this.word.replaceChildren(...wordAndNumbers(selected, this.model.run.who, this.model.amateur(method)), el('p.why', {}, why(this.model, method, index)));
    this.paintChoices();
    this.whatIf.paint();
  }

  // Both models' opinions as paired bars. The line is the tau cut: left of it a token is too unlikely to count.
  paintChoices() {
    const { selection, selected: token, run } = this.model;
    if (this.node.hidden || !token) return;
    const { method, index } = selection;
    const own = this.model.settings(method, index);
    const contrasted = this.model.contrasts(method);
    const open = this.actions.choose && this.model.canContinue(method);
    const hasWhatIf = contrasted && token.alternatives.length && this.model.hasWhatIf(method);
    const { alpha, tau } = hasWhatIf ? this.model.what_if : own;
    const winner = hasWhatIf ? findWinner(token, alpha, tau) : null;
    const cut = findFavourite(token).expert + Math.log(tau);
    const top = Math.max(...token.alternatives.map((other) => Math.max(other.logp_user, other.logp_base, other.expert)));
    const share = (logp) => Math.min(1, Math.exp(logp - top)).toFixed(4);
    const head = new Set(contrasted ? findHead(token, tau).map((other) => other.id)
      : token.alternatives.filter((other) => other.in_head).map((other) => other.id));
    const row = (other) => {
      const written = other.id === token.id;
      const wins = winner?.id === other.id && !written;
      return el(`tr${written ? '.chosen' : ''}${wins ? '.wins' : ''}${head.has(other.id) ? '' : '.cut'}`, {},
        el('th', { scope: 'row' }, el('code', {}, clip(showInvisible(other.text), 60)),
          written ? el('span.tag', {}, 'written') : wins ? el('span.tag', {}, 'would win') : null),
        el('td.bars', { style: `--user:${share(other.expert)};--base:${share(other.logp_base)};--was:${share(other.logp_user)};--cut:${share(cut)}` },
          isPenalized(other) ? el('i.was', {}) : null, el('i.user', {}), el('i.base', {}), contrasted ? el('i.line', {}) : null),
        el('td.user', {}, percent(other.logp_user)), el('td.base', {}, percent(other.logp_base)),
        el('td', {}, signed(contrasted ? other.expert - alpha * other.logp_base : other.score, 2)),
        open ? el('td', {}, written ? null : el('button.small', {
          type: 'button', 'aria-label': `Write ${screenReaderText(other.text)} here and go on`, disabled: run.going, onclick: () => this.actions.choose(method, index, other),
        }, 'write')) : null);
    };
    const { who } = run;
    const rows = [...token.alternatives].sort((a, b) => b.expert - a.expert).map(row);
    if (!rows.length) { this.choices.replaceChildren(); return; }
    const score = ['score', contrasted ? el('span.at', {}, ` at alpha ${Number(alpha.toFixed(2))}`) : null];
    const words = contrasted ? `The line is the cut at tau ${Number(tau.toFixed(2))}: grey rows are too unlikely for ${who} to count.`
      : `Grey rows are outside V_head: too unlikely for ${run.who}.`;
    const penalized = token.alternatives.some(isPenalized) ? ' An outline shows what the repetition penalty took.' : '';
    this.choices.replaceChildren(el('table', {}, el('caption', {}, words, penalized),
      el('thead', {}, el('tr', {}, el('th', { scope: 'col' }, 'token'),
        el('th', { scope: 'col', 'aria-label': 'both models side by side' }),
        el('th.user', { scope: 'col' }, `for ${who}`), el('th.base', { scope: 'col' }, `for ${this.model.amateur(method)}`), el('th', { scope: 'col' }, score),
        open ? el('th', { scope: 'col', 'aria-label': 'branch' }) : null)),
      el('tbody', {}, rows)));
  }
}
