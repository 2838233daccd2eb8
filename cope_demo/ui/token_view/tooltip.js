// Why this token, in short: shown on hover and on focus. A click or a tap pins the inspector instead.

import { el, plural, signed } from '../assets/dom.js';
import { clip, isEnd, percent, showInvisible } from './numbers.js';
import { topBy, why } from './why.js';

export class Tooltip {
  /**
   * @param {import('./model.js').Model} model
   * @param {HTMLElement} host
   */
  constructor(model, host) {
    this.model = model;
    this.box = el('div.cope-tip', { role: 'tooltip', id: `cope-tip-${Math.random().toString(36).slice(2)}`, hidden: true });
    this.box.addEventListener('pointerenter', () => this.stay());
    this.box.addEventListener('pointerleave', () => this.hideSoon());
    host.appendChild(this.box);
    this.anchor = null;
    addEventListener('resize', () => this.hide());
    addEventListener('scroll', () => this.place(), { passive: true, capture: true });
    document.addEventListener('pointerdown', ({ target }) => {
      if (this.anchor && target instanceof Element && !this.box.contains(target) && !target.closest('.tok, .differences')) this.hide();
    });
  }

  show(anchor, method, index) {
    clearTimeout(this.leaving);
    this.anchor?.removeAttribute('aria-describedby');
    this.anchor = anchor;
    anchor.setAttribute('aria-describedby', this.box.id);
    this.box.replaceChildren(...tipContent(this.model, method, index));
    this.box.hidden = false;
    this.place();
  }

  stay() {
    clearTimeout(this.leaving);
  }

  hideSoon() {
    clearTimeout(this.leaving);
    this.leaving = setTimeout(() => this.hide(), 160);
  }

  hide() {
    clearTimeout(this.leaving);
    this.anchor?.removeAttribute('aria-describedby');
    this.anchor = null;
    this.box.hidden = true;
    if (this.model.selection && !this.model.selection.pinned) this.model.clear();
  }

  place() {
    if (!this.anchor) return;
    const token = this.anchor.getClientRects()[0] || this.anchor.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.box;
    const left = Math.max(8, Math.min(token.left - 12, innerWidth - width - 8));
    const below = token.bottom + 6;
    const top = below + height <= innerHeight - 8 ? below : Math.max(8, token.top - height - 6);
    this.box.style.left = `${left}px`;
    this.box.style.top = `${top}px`;
  }
}

/**
 * The word and its three numbers.
 * @param {import('./token.js').Token} token
 * @param {string} who
 * @param {string} amateur
 */
export const wordAndNumbers = (token, who, amateur) => [
  el('p.word', {}, el('code', {}, isEnd(token) ? 'end of the text' : showInvisible(token.text))),
  el('dl', {},
    el('div', {}, el('dt', {}, `for ${who}`), el('dd.user', {}, percent(token.logp_user))),
    el('div', {}, el('dt', {}, `for ${amateur}`), el('dd.base', {}, percent(token.logp_base))),
    el('div', {}, el('dt', {}, 'reward'), el('dd.reward', {}, signed(token.reward, 2)))),
];

const tipContent = (model, method, index) => {
  const token = model.columns[method].tokens[index];
  const { who } = model.run;
  const amateur = model.amateur(method);
  const list = (by) => topBy(token, by).map((other) => [el('code', {}, clip(showInvisible(other.text), 24)), ` ${percent(other[by])}`]);
  const joined = (parts) => parts.map((part, number) => [number ? ', ' : '', part]);
  const inside = topBy({ alternatives: token.alternatives.filter((other) => other.in_head) }, 'expert', 4);
  const more = token.head_size - inside.length;
  return [
    ...wordAndNumbers(token, who, amateur),
    el('p.why', {}, why(model, method, index)),
    token.alternatives.length ? el('dl.liked', {},
      el('dt', {}, `Likeliest for ${who}`), el('dd', {}, joined(list('logp_user'))),
      el('dt', {}, `Likeliest for ${amateur}`), el('dd', {}, joined(list('logp_base'))),
      el('dt', {}, `In V_head: ${plural(token.head_size, 'token', 'tokens')}`),
      el('dd', {}, joined(inside.map((other) => el('code', {}, clip(showInvisible(other.text), 24)))), more > 0 && inside.length ? ` and ${more}\u00a0more` : ''))
      : null,
  ].filter(Boolean);
};
