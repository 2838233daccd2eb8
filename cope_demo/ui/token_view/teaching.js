// What teaches with a comparison: its lesson's text above the columns; a link to it and step mode below them.

import { el } from '../assets/dom.js';
import { arrive, goTo, pageTop } from '../assets/scroll.js';
import { LessonView } from './lesson.js';
import { LinkButton } from './link.js';
import { Steps } from './steps.js';

const STUCK = 8; // pixels between the window's top and a lesson's text (lesson.css)

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
  view.cover = () => (lessonView.node.hidden ? 0 : STUCK + lessonView.node.offsetHeight);
  lessonView.node.addEventListener('cope-lesson-open', () => lessonView.node.focus({ preventScroll: true }));
  lessonView.node.addEventListener('cope-lesson-step', (event) => requestAnimationFrame(() => {
    const { show, method, index, first } = /** @type {CustomEvent} */ (event).detail;
    const token = show === 'token' || show === 'suppose' ? root.querySelector(`.column[data-method="${method}"] [data-index="${index}"]`) : null;
    arrive(() => {
      if (token) view.show(token);
      else if (first) goTo(pageTop(root) - STUCK);
      else view.show(show === 'steps' ? stepFold : view.board, 200);
    });
  }));
}
