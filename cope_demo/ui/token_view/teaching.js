// What teaches with a comparison: its lesson's text above the columns; a link to it and step mode below them.

import { el } from '../assets/dom.js';
import { LessonView } from './lesson.js';
import { LinkButton } from './link.js';
import { Steps } from './steps.js';

/**
 * @param {import('./heatmap.js').TokenView} view
 * @param {string} address see LinkButton
 */
export function addTeachingParts(view, address) {
  const { model, raise, root } = view;
  const stepMode = new Steps(model);
  const stepFold = el('details.cope-steps-fold', {}, el('summary', {}, 'Step mode', el('span', {}, 'one decision at a time, for a class')), stepMode.node);
  const steps = {
    open: (method, index, phase) => stepMode.open(method, index, phase),
    fold: (closed) => { stepFold.open = !closed; },
  };
  const lessonView = new LessonView(model, steps, raise && ((id) => raise('live', { lesson: id })));
  root.prepend(lessonView.node);
  if (raise) root.appendChild(new LinkButton(model, address).node);
  root.appendChild(stepFold);

  // A step's place comes into sight between the lesson's text, which stays at the top, and the inspector at the bottom.
  lessonView.node.addEventListener('cope-lesson-step', (event) => requestAnimationFrame(() => {
    const { show, method, index } = /** @type {CustomEvent} */ (event).detail;
    const token = show === 'token' || show === 'suppose' ? root.querySelector(`.column[data-method="${method}"] [data-index="${index}"]`) : null;
    const target = show === 'steps' ? stepFold : token || view.board;
    const ceiling = lessonView.node.getBoundingClientRect().bottom;
    const { top, bottom } = target.getBoundingClientRect();
    const panel = root.querySelector('.inspector:not([hidden])');
    const floor = token && panel ? panel.getBoundingClientRect().top : innerHeight;
    const fits = top > ceiling && (token ? bottom : top + 200) < floor;
    if (fits) return;
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
    scrollBy({ top: top - ceiling - (token ? 60 : 12), behavior: still ? 'auto' : 'smooth' });
  }));
}
