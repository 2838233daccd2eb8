// Presenter mode: one step of a lesson fills the window, in letters and bars that are read from the last row. One key goes on:
// to the question, to its answer, to the next step.

import { el, fill, formula } from '../assets/dom.js';
import { LessonFigure } from './lesson_figure.js';
import { Question } from './lesson_question.js';
import { asks } from './predictions.js';

const CANDIDATES = 6;

/**
 * What one key press after the other shows: each step, and before it its question, where it has one.
 * @param {import('./model.js').Model} model
 * @returns {{ at: number, asked: boolean }[]}
 */
export const listBeats = (model) => model.lesson.steps.flatMap((step, at) => (asks(model, step) ? [{ at, asked: true }, { at, asked: false }] : [{ at, asked: false }]));

export class Presenter {
  /**
   * @param {import('./model.js').Model} model
   * @param {import('./legend.js').Legend} legend
   * @param {import('./predictions.js').Predictions} predictions
   * @param {(at: number) => void} left called with the step at which the mode was left
   */
  constructor(model, legend, predictions, left) {
    this.model = model;
    this.predictions = predictions;
    this.left = left;
    const button = (name, label, press) => el(`button.quiet.${name}`, { type: 'button', onclick: press }, label);
    this.figure = new LessonFigure(model, legend, CANDIDATES);
    this.title = el('h3', {});
    this.place = el('span.place', {});
    this.words = el('p.words', {});
    this.said = el('div.said', { 'aria-live': 'polite' });
    this.back = button('back', 'Back', () => this.move(-1));
    this.next = button('next', 'Next', () => this.move(1));
    this.full = el('button.quiet.full', { type: 'button', hidden: !document.fullscreenEnabled, onclick: () => this.fullScreen() }, 'Full screen');
    this.node = el('dialog.cope-present', { 'aria-label': 'Presenter mode: space or the right arrow goes on, the left arrow back, Escape ends' });
    this.parts = [el('header', {}, this.title, this.place, this.back, this.next, this.full, button('leave', 'End', () => this.close())),
      el('div.hall', {}, this.said, this.figure.node)];
    this.node.addEventListener('close', () => this.ended());
    this.keys = (event) => this.key(event);
    document.addEventListener('fullscreenchange', () => { this.full.textContent = document.fullscreenElement ? 'Leave full screen' : 'Full screen'; });
  }

  get isOpen() {
    return this.node.open;
  }

  /** @param {number} at the step to begin with */
  open(at) {
    const { number, title } = this.model.lesson;
    this.title.replaceChildren();
    fill(this.title, [el('span.number', {}, `Lesson ${number}`), formula(title)]);
    this.beats = listBeats(this.model);
    this.questions = {};
    this.node.replaceChildren(...this.parts);
    this.node.showModal();
    document.addEventListener('keydown', this.keys);
    this.show(this.beats.findIndex((beat) => beat.at === at));
    this.next.focus();
  }

  close() {
    if (this.node.open) this.node.close();
  }

  // Also after Escape, which a dialog answers by itself.
  ended() {
    document.removeEventListener('keydown', this.keys);
    this.figure.rest();
    this.node.replaceChildren();
    if (document.fullscreenElement) document.exitFullscreen();
    this.left(this.beats[this.beat].at);
  }

  move(by) {
    const beat = this.beat + by;
    if (beat >= 0 && beat < this.beats.length) this.show(beat);
  }

  show(beat) {
    this.beat = beat;
    const { at, asked } = this.beats[beat];
    const step = this.model.lesson.steps[at];
    const question = asks(this.model, step)
      ? (this.questions[at] ||= new Question(this.model, this.predictions, at, { hands: true, guessed: () => {} })) : null;
    question?.reveal(false);
    this.words.replaceChildren();
    fill(this.words, formula(step.text));
    this.said.replaceChildren(...[question?.node, question ? null : this.words].filter(Boolean));
    this.said.classList.remove('told');
    this.place.textContent = `${at + 1} of ${this.model.lesson.steps.length}`;
    this.back.disabled = beat === 0;
    this.next.disabled = beat === this.beats.length - 1;
    this.next.textContent = asked ? 'Reveal' : 'Next';
    this.figure.show(step, asked, () => { if (question && !asked) this.tell(question); });
    this.said.scrollTop = 0;
    if (!this.node.contains(document.activeElement) || document.activeElement === this.node) (this.next.disabled ? this.back : this.next).focus();
  }

  // The answer to the question, once the figure has shown how it came about.
  tell(question) {
    question.reveal(true);
    this.said.classList.add('told');
    this.said.append(this.words);
  }

  // One key goes on, also that of a clicker; what a slider or a number's field needs stays theirs.
  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const target = /** @type {Element} */ (event.target);
    const field = target.closest('input');
    const on = event.key === 'PageDown' || (!field && (event.key === 'ArrowRight' || (event.key === ' ' && !target.closest('button'))));
    const back = event.key === 'PageUp' || (!field && event.key === 'ArrowLeft');
    if (!on && !back) return;
    event.preventDefault();
    this.move(on ? 1 : -1);
  }

  // A dialog itself may not fill the screen; the page may, and the dialog is on top of it.
  fullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else document.documentElement.requestFullscreen().catch(() => {});
  }
}
