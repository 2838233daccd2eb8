// A lesson as a story: its text on the left, and one figure that stays in the window and changes as one scrolls. On a phone the
// figure stands on top. Presenter mode shows the same steps one at a time.

import { el, formula } from '../assets/dom.js';
import { arrive, goTo, pageTop, windowTop } from '../assets/scroll.js';
import { LessonFigure } from './lesson_figure.js';
import { Presenter } from './lesson_present.js';
import { Question } from './lesson_question.js';
import { asks, Predictions } from './predictions.js';

const EDGE = 8; // pixels between the window's top and the story (lesson.css)
const NARROW = '(max-width: 760px)'; // as in lesson.css: the figure stands on top

export class LessonView {
  /**
   * @param {import('./model.js').Model} model
   * @param {import('./legend.js').Legend} legend whose colours the texts have
   * @param {((id: string) => void) | null} runLive runs the lesson's settings; null without a server
   */
  constructor(model, legend, runLive) {
    this.model = model;
    this.runLive = runLive;
    this.predictions = new Predictions();
    this.figure = new LessonFigure(model, legend, matchMedia(NARROW).matches ? 5 : innerHeight < 720 ? 6 : 8);
    this.presenter = new Presenter(model, legend, this.predictions, (at) => this.go(at));
    this.node = el('section.cope-lesson', { hidden: true, tabindex: -1, 'aria-label': 'Lesson' });
    this.announcement = el('p.heard', { 'aria-live': 'polite' });
    model.on('run', () => this.close());
    model.on('lesson', () => this.begin());
    addEventListener('scroll', () => this.follow(), { passive: true });
    for (const event of ['wheel', 'touchmove']) addEventListener(event, () => { this.going = false; }, { passive: true });
    if (model.lesson) this.begin();
  }

  begin() {
    const { number, title, steps } = this.model.lesson;
    const button = (name, label, press) => el(`button.quiet.${name}`, { type: 'button', onclick: press }, label);
    this.total = steps.length;
    this.at = -1;
    this.shown = new Set(); // the steps whose answer was asked for
    this.back = button('back', 'Back', () => this.go(this.at - 1));
    this.next = button('next', 'Next', () => this.go(this.at + 1));
    this.place = el('span.place', {});
    this.items = steps.map((step, at) => this.item(step, at));
    this.side = el('div.side', {}, this.figure.node, el('div.way', {}, this.back, this.next, this.place));
    this.node.replaceChildren(
      el('header', {}, el('h3', {}, el('span.number', {}, `Lesson ${number}`), formula(title)),
        button('present', 'Present', () => this.presenter.open(this.at)),
        el('button.close', { type: 'button', 'aria-label': 'Close the lesson', onclick: () => this.close() }, '\u00d7')),
      el('div.story', {}, el('ol.scenes', {}, this.items.map(({ node }) => node)), this.side),
      this.given(), this.announcement);
    this.node.hidden = false;
    this.node.dispatchEvent(new CustomEvent('cope-lesson-open', { bubbles: true }));
    this.show(0);
    this.node.focus({ preventScroll: true });
    this.travel(() => goTo(pageTop(this.node) - EDGE));
  }

  // A step's text; where the reader is asked first, the question before it.
  item(step, at) {
    const words = el('p.words', {}, formula(step.text));
    const asked = asks(this.model, step);
    const question = asked ? new Question(this.model, this.predictions, at, { guessed: () => this.reveal(at) }) : null;
    const skip = asked ? el('button.quiet.skip', { type: 'button', onclick: () => this.reveal(at) }, 'Just show me') : null;
    const item = { words, question, skip, node: el('li.scene', {}, el('div.piece', {}, question?.node, skip, words)) };
    if (asked && this.predictions.find(this.model.lesson.id, at).guess !== null) this.shown.add(at);
    this.paint(item, at);
    return item;
  }

  paint({ words, question, skip }, at) {
    if (!question) return;
    const shown = this.shown.has(at);
    question.reveal(shown);
    words.hidden = !shown;
    skip.hidden = shown;
  }

  // The answer to a step's question is told, and the figure shows how it came about.
  reveal(at) {
    const first = !this.shown.has(at);
    this.shown.add(at);
    const { skip, question } = this.items[at];
    if (skip === document.activeElement) question.node.querySelector('button').focus();
    this.paint(this.items[at], at);
    if (first) this.show(at, true);
  }

  given() {
    const { user, prompt, alpha, tau, repetition_penalty: penalty } = this.model.run.header;
    const forget = el('button.quiet', { type: 'button', onclick: () => { this.predictions.forget(); this.begin(); } }, 'Forget my answers');
    const run = el('button.quiet', { type: 'button', onclick: () => this.runLive(this.model.lesson.id) }, 'Run it live');
    return el('div.after', {}, this.runLive ? run : null,
      el('details.given', {}, el('summary', {}, 'What is shown'),
        el('p', {}, `User ${user}. Alpha ${alpha}, tau ${tau}, repetition penalty ${penalty}, unless a column says otherwise. Temperature 0. A saved run of the embedded model; nothing was changed in it.`),
        el('p.prompt', {}, prompt),
        el('p', {}, 'What you guess stays in this browser. ', forget)));
  }

  // -- going about ----------------------------------------------------------------------------------------------------

  /** Shows a step and brings its text to where it is read. @param {number} at */
  go(at) {
    if (at < 0 || at >= this.total || this.node.hidden) return;
    this.show(at);
    this.travel(() => this.bring(at));
    const { question, words } = this.items[at];
    this.announcement.textContent = `Step ${at + 1} of ${this.total}: ${(words.hidden ? question.node : words).textContent}`;
  }

  // Until the window has arrived, it is not the scrolling that chooses the step.
  travel(act) {
    this.going = true;
    clearTimeout(this.arrival);
    this.arrival = setTimeout(() => { this.going = false; }, 1300);
    arrive(act);
  }

  // The part of the window that is read in: all of it, or what the figure on top leaves.
  get room() {
    const top = matchMedia(NARROW).matches ? this.side.offsetHeight + EDGE : 0;
    return { top, height: innerHeight - top };
  }

  bring(at) {
    const { top, height } = this.room;
    const piece = this.items[at].node.firstElementChild;
    const free = height - piece.getBoundingClientRect().height;
    goTo(pageTop(piece) - top - Math.max(16, free / 2));
  }

  // The window was scrolled: the step is the last that has reached the middle of the room.
  follow() {
    if (this.node.hidden || this.going || this.due) return;
    this.due = requestAnimationFrame(() => {
      this.due = 0;
      if (!this.node.offsetParent || this.going || this.presenter.isOpen) return; // hidden, maybe with all around it
      const { top, height } = this.room;
      const reached = this.items.filter(({ node }) => node.getBoundingClientRect().top <= top + height / 2).length;
      this.show(Math.max(0, reached - 1));
    });
  }

  /** @param {number} at @param {boolean} [again] whether it is drawn even if it is shown */
  show(at, again = false) {
    if (at === this.at && !again) return;
    this.at = at;
    const step = this.model.lesson.steps[at];
    this.items.forEach(({ node }, number) => node.classList.toggle('now', number === at));
    this.place.textContent = `${at + 1} of ${this.total}`;
    this.back.disabled = at === 0;
    this.next.disabled = at === this.total - 1;
    this.figure.show(step, !!this.items[at].question && !this.shown.has(at));
  }

  close() {
    this.figure.rest();
    this.presenter.close();
    if (this.node.hidden) return;
    const far = windowTop() > pageTop(this.node);
    this.node.hidden = true;
    if (far) goTo(pageTop(this.node.parentElement) - EDGE);
  }
}
