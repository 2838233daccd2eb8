// Predict, then reveal: "Which word will CoPe take?" with a few candidates to guess from, and for a class the hands that went up.

import { el, fill, plural } from '../assets/dom.js';
import { quote, showInvisible } from './numbers.js';
import { listOptions, tally } from './predictions.js';

export class Question {
  /**
   * @param {import('./model.js').Model} model
   * @param {import('./predictions.js').Predictions} predictions
   * @param {number} at the step's number in its lesson
   * @param {{ hands?: boolean, guessed: () => void }} options hands: with the counts of a class; guessed: a word was chosen
   */
  constructor(model, predictions, at, { hands = false, guessed }) {
    this.model = model;
    this.predictions = predictions;
    this.lesson = model.lesson.id;
    this.at = at;
    const step = model.lesson.steps[at];
    this.written = model.columns[step.method].tokens[step.index];
    const name = model.name(step.method);
    this.name = name.includes(',') ? `${name},` : name; // it goes on as a sentence
    this.choices = listOptions(model, step);
    this.shown = false;
    this.verdict = el('p.verdict', { role: 'status' });
    this.options = this.choices.map((other) => this.option(other, hands, guessed));
    this.node = el('div.cope-question', { role: 'group', 'aria-label': 'Predict' }, el('p.which', {}, `Which word will ${this.name} take?`),
      el(`ul${hands ? '.hands' : ''}`, {}, this.options.map(({ node }) => node)), this.verdict);
    this.paint();
  }

  option(other, hands, guessed) {
    const button = el('button.option', {
      type: 'button', onclick: () => { this.predictions.guess(this.lesson, this.at, other.id); this.paint(); guessed(); },
    }, el('code', {}, showInvisible(other.text)));
    const count = hands ? el('input', {
      type: 'number', min: 0, max: 999, placeholder: 'hands', 'aria-label': `Hands for ${quote(other.text)}`,
      oninput: () => { this.predictions.count(this.lesson, this.at, other.id, count.value); this.paint(); },
    }) : null;
    const kept = this.predictions.find(this.lesson, this.at).hands[other.id];
    if (count && kept) count.value = String(kept);
    return { other, button, node: el('li', {}, button, count, hands ? el('span.bar', {}, el('i', {}), el('b', {})) : null) };
  }

  /** @param {boolean} shown whether the answer is told */
  reveal(shown) {
    this.shown = shown;
    this.paint();
  }

  paint() {
    const { guess, hands } = this.predictions.find(this.lesson, this.at);
    const counts = tally(hands, this.choices.map((other) => other.id));
    this.options.forEach(({ other, button, node }, number) => {
      button.setAttribute('aria-pressed', String(other.id === guess));
      node.classList.toggle('right', this.shown && other.id === this.written.id);
      const bar = /** @type {HTMLElement | null} */ (node.querySelector('.bar'));
      if (!bar) return;
      bar.style.setProperty('--p', counts[number].share.toFixed(4));
      bar.querySelector('b').textContent = counts[number].share ? `${Math.round(counts[number].share * 100)}\u202f%` : '';
    });
    const said = this.shown ? this.words(guess, counts) : '';
    if (this.verdict.textContent !== said) { this.verdict.replaceChildren(); fill(this.verdict, said); }
  }

  words(guess, counts) {
    const mine = this.choices.find((other) => other.id === guess);
    const all = counts.reduce((sum, { count }) => sum + count, 0);
    const right = counts.find(({ id }) => id === this.written.id)?.count || 0;
    const took = `${this.name} took ${quote(this.written.text)}`;
    const own = !mine ? `${took}.` : guess === this.written.id ? `As you expected, ${took}.` : `You expected ${quote(mine.text)}; ${took}.`;
    return all ? `${own} ${plural(right, 'hand', 'hands')} of ${all} went up for it.` : own;
  }
}
