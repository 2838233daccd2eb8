// The columns: their frames, and their tokens as they come.

import { el, fill, plural } from '../assets/dom.js';
import { explainOwnPrompt, explainVariant } from './methods.js';
import { isEnd, screenReaderText, textTokens, tokenName } from './numbers.js';
import { summary } from './summary.js';

/**
 * How many columns stand side by side: four at most, in rows as even as can be.
 * @param {number} count
 */
export const columnsPerRow = (count) => Math.max(1, Math.ceil(count / Math.max(1, Math.ceil(count / 4))));
/**
 * Lines of a narrow window that a text of so many tokens may need; of a long one a part, as it may well end before.
 * @param {number} [tokens]
 */
export const expectedLines = (tokens = 0) => Math.max(4, Math.min(14, Math.ceil(tokens / 8)));
// What a column's models were given, where it is not the visitor's prompt as in the others.
const ownPrompt = (model, method) => {
  const text = model.prompt(method);
  return text === null ? null : el('details.own-prompt', {}, el('summary', {}, 'Its prompt'),
    el('p', {}, explainOwnPrompt(model.run.who)),
    el('p.text', { dir: 'auto', tabindex: 0, role: 'group', 'aria-label': `The prompt of ${model.name(method)}` }, text));
};
// Marks that turn the direction of writing reach into neighbouring tokens unless theirs is kept apart.
const TURNING = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;
const NOTHING_SEEN = /^[\p{Cc}\p{Cf}\p{Zs}]*$/u;

export class ColumnView {
  /**
   * @param {import('./model.js').Model} model
   * @param {string} method
   * @param {import('./legend.js').Legend} legend
   */
  constructor(model, method, legend) {
    this.model = model;
    this.method = method;
    this.legend = legend;
    this.spans = [];
    const name = model.name(method);
    this.body = el('div.tokens', { role: 'group', dir: 'auto', 'aria-label': `${name}: no text yet` });
    this.branched = el('div.branched', {});
    this.foot = el('div.foot', { 'aria-live': 'polite' });
    this.node = el('section.column', { 'data-method': method, 'aria-label': name },
      el('header', {}, el('h3', {}, name), el('p', {}, model.variant(method).of ? explainVariant(model.method(method).label, model.settings(method, 0)) : model.method(method).about), ownPrompt(model, method)), this.branched, this.body, this.foot);
    if (model.run.going) this.begin();
    else this.ghost();
  }

  get column() {
    return this.model.columns[this.method];
  }

  // Before anything has run: lines where the text will be.
  ghost() {
    for (const width of [94, 88, 97, 62]) this.body.appendChild(el('span.ghost', { style: `width:${width}%`, 'aria-hidden': true }));
  }

  begin() {
    this.body.replaceChildren();
    this.spans = [];
    this.node.classList.add('writing');
  }

  // Draws the tokens that are not drawn yet.
  extend() {
    const { tokens } = this.column;
    const fresh = document.createDocumentFragment();
    for (let index = this.spans.length; index < tokens.length; index += 1) {
      const span = el('span.tok', { role: 'button', tabindex: index === 0 ? 0 : -1, 'data-index': index });
      this.write(span, tokens[index].text);
      this.colour(span, tokens[index]);
      this.mark(span, index);
      this.spans.push(span);
      fresh.appendChild(span);
    }
    this.body.appendChild(fresh);
  }

  // The column was cut, or what was cut was put back.
  redraw(at) {
    for (const span of this.spans.splice(at)) span.remove();
    this.body.querySelector('.ghost')?.parentNode.replaceChildren();
    this.node.classList.remove('ended');
    this.node.classList.toggle('writing', this.column.stopped === null);
    this.foot.replaceChildren();
    this.extend();
    this.drawBranch();
    if (this.column.stopped !== null) this.end();
  }

  drawBranch() {
    const fork = this.column.branch;
    this.branched.replaceChildren();
    if (!fork) return;
    const { alpha, tau } = this.model.run.header;
    const changed = fork.alpha === alpha && fork.tau === tau ? '' : `, from there with alpha ${fork.alpha}, tau ${fork.tau}`;
    const undo = el('button.small', { type: 'button', onclick: () => fork.undo() }, 'Undo');
    undo.disabled = this.model.run.going;
    fill(this.branched, [el('span', {}, `Branched at token ${fork.at + 1}`, fork.was ? `, where ${tokenName(fork.was)} stood` : '', changed, '.'), undo]);
  }

  colour(span, token) {
    const fresh = this.legend.step(token);
    span.dataset.value = this.legend.measure.value(token).toFixed(4);
    this.measured = this.legend.measure;
    if (span.dataset.step === fresh) return;
    if (span.dataset.step) span.classList.remove(span.dataset.step);
    span.classList.add(fresh);
    span.dataset.step = fresh;
  }

  paint() {
    this.body.classList.toggle('signed', this.legend.signed);
    const relabel = this.measured !== this.legend.measure;
    this.spans.forEach((span, index) => {
      this.colour(span, this.column.tokens[index]);
      if (relabel) this.mark(span, index, this.would?.get(index));
    });
  }

  // What is special about a token: as a shape on it, and in words for a listener.
  mark(span, index, would = null) {
    const token = this.column.tokens[index];
    const overruled = this.model.isOverruled(this.method, index);
    const forked = this.model.forks(this.method).some((fork) => fork.at === index);
    span.classList.toggle('overruled', overruled);
    span.classList.toggle('forked', forked);
    span.classList.toggle('would', !!would);
    const ends = isEnd(token);
    span.classList.toggle('last', ends);
    span.setAttribute('aria-label', [
      ends ? 'end of the text' : screenReaderText(token.text), this.legend.tell(token, this.method), overruled ? 'contrast overruled the favourite' : '',
      forked ? 'branched here' : '', would ? `would become ${screenReaderText(would.text)}` : '',
    ].filter(Boolean).join(', '));
  }

  // changes: as of Model.changes.
  markChanges(changes) {
    const now = new Map(changes.map(({ index, winner }) => [index, winner]));
    for (const index of new Set([...(this.would?.keys() || []), ...now.keys()])) if (this.spans[index]) this.mark(this.spans[index], index, now.get(index));
    this.would = now;
  }

  // The node's own text stays exactly the token's; marks for what is invisible are painted by the style sheet.
  write(span, text) {
    if (text === '') span.classList.add('part');
    else if (!text.trim()) span.classList.add('blank');
    else if (NOTHING_SEEN.test(text)) span.classList.add('unseen');
    if (TURNING.test(text)) span.classList.add('turning');
    for (const piece of text.split(/(\n)/)) {
      if (piece === '\n') span.appendChild(el('span.nl', {}, '\n'));
      else if (piece !== '') span.appendChild(document.createTextNode(piece));
    }
  }

  end() {
    const { tokens } = this.column;
    this.node.classList.remove('writing');
    this.node.classList.add('ended');
    const name = this.model.name(this.method);
    this.body.setAttribute('aria-label', `${name}: ${plural(textTokens(tokens).length, 'token', 'tokens')}; arrow keys move between them`);
    if (tokens.length) this.mark(this.spans[tokens.length - 1], tokens.length - 1);
    this.drawBranch();
    this.sum();
  }

  sum() {
    this.foot.replaceChildren(...(this.column.stopped === null ? [] : summary(this.model, this.method, this.legend.measure)));
  }

  // Keyboard: one stop of the Tab key a column, arrows inside it.
  focus(index) {
    if (!this.spans.length) return;
    const target = this.spans[Math.max(0, Math.min(index, this.spans.length - 1))];
    for (const span of this.body.querySelectorAll('.tok[tabindex="0"]')) span.setAttribute('tabindex', '-1');
    target.setAttribute('tabindex', '0');
    target.focus();
  }
}
