// Any word at the pinned step: both models' numbers of it, from what was sent or, for what was not, from the server.

import { el, fill } from '../assets/dom.js';
import { ordinal, percent, rank, rankWords, showInvisible } from './numbers.js';

/** @typedef {{ text: string, whole: boolean, logp_user: number, logp_base: number, of?: number, places: [string, string] }} Found */

/**
 * The word among the alternatives that were sent, as it is or after a space.
 * @param {import('./token.js').Token} token
 * @param {string} word
 * @returns {Found[]}
 */
export const findSent = (token, word) => token.alternatives.filter((other) => other.text !== '' && [word, ` ${word.trimStart()}`].includes(other.text)).map((other) => {
  const own = { ...other, head_size: 0, alternatives: token.alternatives };
  return { text: other.text, whole: true, logp_user: other.logp_user, logp_base: other.logp_base, places: [rankWords(rank(own, 'logp_user')), rankWords(rank(own, 'logp_base'))] };
});

/** @param {any} one a token as the server tells it @returns {Found} */
const readAnswer = (one) => ({ ...one, places: [ordinal(one.rank_user), ordinal(one.rank_base)] });

export class LookUp {
  /**
   * @param {import('./model.js').Model} model
   * @param {((run: string, asked: object) => Promise<any>) | null} ask the server; null where there is none
   */
  constructor(model, ask) {
    this.model = model;
    this.ask = ask;
    this.field = el('input', { type: 'text', maxlength: 60, 'aria-label': 'Any word', placeholder: 'any word', autocomplete: 'off' });
    this.button = el('button.small', { type: 'submit' }, 'Look up');
    this.answer = el('div.answer', { role: 'status' });
    this.node = el('form.lookup', { onsubmit: (event) => { event.preventDefault(); this.look(); } }, this.field, this.button, this.answer);
    model.on('selection', () => this.answer.replaceChildren());
    model.on('branch', ({ method, at }) => { // the text before the step is another, or the step itself
      if (model.selection?.method === method && model.selection.index >= at) this.answer.replaceChildren();
    });
  }

  async look() {
    const { model, field: { value: word } } = this;
    const { selection, selected: token } = model;
    if (!token || !word.trim()) return;
    const { method, index } = selection;
    const sent = findSent(token, word);
    if (sent.length) { this.show(sent, method, word); return; }
    if (!this.ask || !model.canContinue(method) || model.run.id === 'saved') { this.say('It is not among the alternatives that were saved; where a model runs, any word can be looked up.'); return; }
    this.say('Asking the model…');
    this.button.disabled = true;
    const { prompt, against } = model.run.header;
    const ids = model.columns[method].tokens.slice(0, index).map((one) => one.id);
    const told = await this.ask(model.run.id, { prompt, method, ids, word, ...(against ? { against } : {}) }).catch(() => null);
    this.button.disabled = false;
    if (model.selected !== token) return; // another token is looked at meanwhile
    if (told?.tokens) this.show(told.tokens.map(readAnswer), method, word);
    else this.say(told?.error || 'The server does not answer; please try again in a moment.');
  }

  say(sentence) {
    this.answer.replaceChildren(el('p', {}, sentence));
  }

  /** @param {Found[]} found */
  show(found, method, word) {
    const { who } = this.model.run;
    const amateur = this.model.amateur(method);
    this.answer.replaceChildren();
    fill(this.answer, found.map((one) => el('p', {}, el('code', {}, showInvisible(one.text)), one.whole ? '' : ` is the first token of \u2018${word.trim()}\u2019`, ': ',
      el('b.user', {}, percent(one.logp_user)), ` for ${who} (${one.places[0]}), `, el('b.base', {}, percent(one.logp_base)), ` for ${amateur} (${one.places[1]})`,
      one.of ? ` of ${one.of.toLocaleString('en')} tokens.` : '.')));
  }
}
