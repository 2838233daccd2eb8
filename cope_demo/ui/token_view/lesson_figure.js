// The figure of a lesson: the texts with the word that a step speaks of, and under them how that word was decided.

import { el, fill, signed } from '../assets/dom.js';
import { isCalm } from '../assets/scroll.js';
import { Choice, coded } from './choice.js';
import { Dials } from './dials.js';
import { drop } from './motion.js';
import { isEnd, percent, placeWords } from './numbers.js';
import { Rows } from './rows.js';

const PACE = 1300; // milliseconds between the phases that are played

/** @typedef {{ text: string, method?: string, index?: number, show?: string, phase?: number, alpha?: number, tau?: number }} Step of a lesson (wire.py) */

export class LessonFigure {
  /**
   * @param {import('./model.js').Model} model
   * @param {import('./legend.js').Legend} legend whose colours the texts have
   * @param {number} most candidates
   */
  constructor(model, legend, most) {
    this.model = model;
    this.legend = legend;
    this.most = most;
    this.due = 0; // the frame in which a slider's move is drawn
    /** @type {Step} */
    this.step = null;
    this.texts = el('div.texts', {});
    this.rows = new Rows();
    this.dials = new Dials((settings) => this.suppose(settings));
    this.sentence = el('p.sentence', {});
    this.decision = el('div.decision', {}, this.rows.node, this.sentence, this.dials.node);
    this.node = el('div.cope-figure', { role: 'group', 'aria-label': 'Figure of this step' }, this.texts, this.decision);
  }

  /**
   * @param {Step} step
   * @param {boolean} [asked] whether the reader is to guess the word first
   * @param {() => void} [arrived] called when all of the step is shown, after its phases have been played
   */
  show(step, asked = false, arrived = () => {}) {
    this.rest();
    this.step = step;
    const { method, show = 'none' } = step;
    this.node.classList.toggle('whole', show === 'none');
    this.decision.hidden = show === 'none';
    if (show === 'none') {
      this.texts.replaceChildren(...this.model.run.methods.map((one) => this.passage(one, one === method ? 'spoken' : null)));
      this.bringWord();
    } else if (asked) this.decide('ask');
    else if (show === 'token') this.decide('both');
    else if (show === 'suppose') this.decide(3, { alpha: step.alpha, tau: step.tau });
    else { this.play(step.phase, arrived); return; }
    arrived();
  }

  // The phases one after the other, up to the step's own.
  play(last, arrived) {
    const on = (phase) => {
      this.decide(phase);
      if (phase < last) this.playing = setTimeout(on, PACE, phase + 1);
      else arrived();
    };
    on(isCalm() ? last : 0);
  }

  /** Nothing is played any more. */
  rest() {
    clearTimeout(this.playing);
    cancelAnimationFrame(this.due);
    this.due = 0;
  }

  /**
   * @param {import('./rows.js').Phase} phase
   * @param {{ alpha: number, tau: number } | null} [settings] others than the token was decoded with
   * @param {boolean} [dragged]
   */
  decide(phase, settings = null, dragged = false) {
    const { model } = this;
    const { method, index } = this.step;
    const choice = new Choice(model, method, index, { settings, most: this.most });
    const told = phase === 'both' || phase === 3;
    if (!dragged) {
      this.texts.replaceChildren(this.passage(method, told ? 'spoken' : 'open', choice.moved ? settings : null));
      this.bringWord();
    }
    const won = phase === 3 && this.rows.node.dataset.phase !== '3' && !choice.moved;
    this.rows.draw(choice, phase, dragged);
    if (won) drop(this.rows.word(choice.chosen.id), this.texts.querySelector('mark'), this.node);
    this.sentence.replaceChildren();
    fill(this.sentence, this.explain(choice, phase));
    if (phase === 3) this.dials.draw(choice);
    else this.dials.node.hidden = true;
  }

  // A slider was moved: the text shows where else these settings would have chosen another word. Of all that a move tells, the
  // last is drawn once a frame.
  suppose(settings) {
    clearTimeout(this.playing);
    this.wanted = settings;
    this.due ||= requestAnimationFrame(() => {
      this.due = 0;
      if (this.step.show !== 'steps' && this.step.show !== 'suppose') return;
      this.decide(3, this.wanted, true);
      const would = this.changes(this.wanted);
      this.texts.querySelectorAll('.body > *').forEach((span, at) => span.classList.toggle('would', would.has(at)));
    });
  }

  // The tokens of the step's column that would change at these settings.
  changes(settings) {
    return new Set(settings ? this.model.changes(this.step.method, settings).map((change) => change.index) : []);
  }

  explain(choice, phase) {
    const { chosen, who, amateur } = choice;
    if (phase === 'ask') return [`What both models expect: above for ${who}, below for ${amateur}.`];
    if (phase !== 'both') return choice.sentence(/** @type {number} */ (phase));
    const after = Math.abs(chosen.expert - chosen.logp_user) > 0.02 ? ' after the repetition penalty' : '';
    return [coded(chosen), `: ${percent(chosen.expert)} for ${who}${after}, ${percent(chosen.logp_base)} for ${amateur}; reward ${signed(choice.token.reward, 2)}.`];
  }

  /**
   * A column's text with its name.
   * @param {string} method
   * @param {'spoken' | 'open' | null} word what stands where the step's word is: the word, marked; a gap, and nothing after
   *   it; null: it is no word of this column
   * @param {{ alpha: number, tau: number } | null} [settings] what would change at these is marked as in the columns
   */
  passage(method, word, settings = null) {
    const { model, legend } = this;
    const { tokens } = model.columns[method];
    const { index } = this.step;
    const would = this.changes(settings);
    const spans = tokens.slice(0, word === 'open' ? index : undefined).map((token, at) => {
      const marks = `.${legend.step(token)}${would.has(at) ? '.would' : ''}`;
      return el(`${word && at === index ? 'mark.spoken' : 'span'}${marks}`, {}, isEnd(token) ? (at === index ? '\u25a0' : '') : token.text);
    });
    if (word === 'open') spans.push(el('mark.open', {}, '\u2002?\u2002'));
    const name = model.name(method);
    return el('div.passage', { 'data-method': method }, el('p.name', {}, el('b', {}, name), word ? `, ${placeWords(tokens, index)}` : ''),
      el(`p.body${legend.signed ? '.signed' : ''}`, { dir: 'auto', tabindex: 0, role: 'group', 'aria-label': `The text of ${name}` }, spans));
  }

  // The word stands in the middle of its text's window.
  bringWord() {
    const word = this.texts.querySelector('mark');
    const body = word?.parentElement;
    if (body) body.scrollTop = word.offsetTop - body.offsetTop - (body.clientHeight - word.offsetHeight) / 2;
  }
}
