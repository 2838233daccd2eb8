// The same content as tables: one a column, drawn when it is looked at.

import { el, signed } from '../assets/dom.js';
import { isEnd, percent, quote, showInvisible, tokenName } from './numbers.js';
import { MEASURES } from './scale.js';
import { figures, outcome } from './summary.js';
import { findFavourite } from './winner.js';

export class TableView {
  /**
   * @param {import('./model.js').Model} model
   * @param {(method: string, index: number) => void} pin opens the inspector on that token
   */
  constructor(model, pin) {
    this.model = model;
    this.pin = pin;
    this.node = el('div.tables', { hidden: true });
    this.bodies = {};
    for (const event of ['run', 'branch', 'done']) model.on(event, () => this.draw());
    model.on('tokens', ({ method }) => this.extend(method));
    model.on('whatif', () => this.draw());
  }

  show(shown) {
    this.node.hidden = !shown;
    this.draw();
  }

  draw() {
    if (this.node.hidden || !this.model.run) { this.node.replaceChildren(); return; }
    const { who, methods } = this.model.run;
    this.node.replaceChildren(...methods.map((method) => {
      this.bodies[method] = el('tbody', {});
      const name = this.model.name(method);
      const heads = ['', 'token', 'reward', `for ${who}`, `for ${this.model.amateur(method)}`, 'V_head'];
      const facts = [outcome(this.model, method), ...figures(this.model, method, MEASURES.reward).map(([what, figure]) => `${what} ${figure}`)].join('; ');
      return el('div.scroll', { tabindex: 0, role: 'region', 'aria-label': `${name}, table` }, el('table', {},
        el('caption', {}, el('b', {}, name), this.model.columns[method].tokens.length ? `: ${facts}${this.model.prompt(method) === null ? '' : '; given its own prompt'}` : ''),
        el('thead', {}, el('tr', {}, heads.map((words) => el('th', { scope: 'col' }, words || el('span.heard', {}, 'number'))))), this.bodies[method]));
    }));
    this.would = {};
    for (const method of methods) {
      this.would[method] = new Map(this.model.changes(method).map(({ index, winner }) => [index, winner]));
      this.extend(method);
    }
  }

  extend(method) {
    const body = this.bodies[method];
    if (this.node.hidden || !body) return;
    const { tokens } = this.model.columns[method];
    const forks = this.model.forks(method);
    for (let index = body.rows.length; index < tokens.length; index += 1) {
      const token = tokens[index];
      const fork = forks.find((one) => one.at === index);
      const would = this.would[method]?.get(index);
      const remarks = [
        this.model.isOverruled(method, index) ? `contrast overruled ${quote(findFavourite(token).text)}` : '',
        fork ? `branched here${fork.was ? `, was ${tokenName(fork.was)}` : ''}` : '', would ? `would become ${quote(would.text)}` : '',
      ].filter(Boolean).join('; ');
      body.appendChild(el('tr', {}, el('td', {}, index + 1),
        el('th', { scope: 'row' }, el('button.word', { type: 'button', onclick: () => this.pin(method, index) }, isEnd(token) ? 'end of the text' : showInvisible(token.text)),
          remarks ? el('span.remarks', {}, remarks) : null),
        el('td', {}, signed(token.reward, 2)), el('td', {}, percent(token.logp_user)), el('td', {}, percent(token.logp_base)),
        el('td', {}, token.head_size)));
    }
  }
}
