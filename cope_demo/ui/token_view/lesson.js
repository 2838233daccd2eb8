// A lesson's text above its comparison. Next and Back go through its steps, and each step shows a place of the columns.

import { el, fill, formula } from '../assets/dom.js';

export class LessonView {
  /**
   * @param {import('./model.js').Model} model
   * @param {{ open(method: string, index: number, phase: number): void, fold(closed: boolean): void }} steps the step mode
   * @param {((id: string) => void) | null} runLive runs the lesson's settings; null without a server
   */
  constructor(model, steps, runLive) {
    this.model = model;
    this.steps = steps;
    this.runLive = runLive;
    this.node = el('section.cope-lesson', { hidden: true, tabindex: -1, 'aria-label': 'Lesson' });
    model.on('run', () => { this.node.hidden = true; });
    model.on('lesson', () => this.begin());
    if (model.lesson) this.begin();
  }

  begin() {
    const { number, title, steps } = this.model.lesson;
    const { user, prompt, alpha, tau, repetition_penalty: penalty } = this.model.run.header;
    const button = (name, label, by) => el(`button.quiet.${name}`, { type: 'button', onclick: () => this.go(this.at + by) }, label);
    this.back = button('back', 'Back', -1);
    this.next = button('next', 'Next', 1);
    this.text = el('p.words', { 'aria-live': 'polite' });
    this.place = el('span.place', {});
    const run = el('button.quiet', { type: 'button', onclick: () => this.runLive(this.model.lesson.id) }, 'Run it live');
    this.node.replaceChildren(
      el('header', {}, el('h3', {}, el('span.number', {}, `Lesson ${number}`), formula(title)),
        el('button.close', { type: 'button', 'aria-label': 'Close the lesson', onclick: () => this.close() }, '\u00d7')),
      this.text,
      el('div.way', {}, this.back, this.next, this.place, this.runLive ? run : null,
        el('details.given', {}, el('summary', {}, 'What is shown'),
          el('p', {}, `User ${user}. Alpha ${alpha}, tau ${tau}, repetition penalty ${penalty}, unless a column says otherwise. Temperature 0. A saved run of the embedded model; nothing was changed in it.`),
          el('p.prompt', {}, prompt))));
    this.node.hidden = false;
    this.total = steps.length;
    this.node.dispatchEvent(new CustomEvent('cope-lesson-open', { bubbles: true }));
    this.go(0);
  }

  go(at) {
    if (at < 0 || at >= this.total) return;
    this.at = at;
    const step = this.model.lesson.steps[at];
    const { header } = this.model.run;
    this.text.replaceChildren();
    fill(this.text, formula(step.text));
    this.place.textContent = `${at + 1} of ${this.total}`;
    this.back.disabled = at === 0;
    this.next.disabled = at === this.total - 1;
    this.model.setWhatIf(step.show === 'suppose' ? step.alpha : header.alpha, step.show === 'suppose' ? step.tau : header.tau);
    if (step.show === 'token' || step.show === 'suppose') this.model.select(step.method, step.index, true);
    else this.model.clear();
    this.steps.fold(step.show !== 'steps');
    if (step.show === 'steps') this.steps.open(step.method, step.index, step.phase);
    this.node.dispatchEvent(new CustomEvent('cope-lesson-step', { bubbles: true, detail: { ...step, first: at === 0 } }));
  }

  close() {
    const { header } = this.model.run;
    this.node.hidden = true;
    this.model.clear();
    this.model.setWhatIf(header.alpha, header.tau);
  }
}
