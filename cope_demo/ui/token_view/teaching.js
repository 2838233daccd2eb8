// What teaches with a comparison: its lesson's story above the columns; a link to it and step mode below them.

import { el } from '../assets/dom.js';
import { LessonView } from './lesson.js';
import { LinkButton } from './link.js';
import { Steps } from './steps.js';

/**
 * @param {import('./heatmap.js').TokenView} view
 * @param {string} address see LinkButton
 */
export function addTeachingParts(view, address) {
  const { legend, model, raise, root } = view;
  const stepFold = el('details.cope-steps-fold', {}, el('summary', {}, 'Step mode', el('span', {}, 'one decision at a time, for a class')), new Steps(model).node);
  const lesson = new LessonView(model, legend, raise && ((id) => raise('live', { lesson: id })));
  root.prepend(lesson.node, lesson.presenter.node);
  if (raise) root.appendChild(new LinkButton(model, address).node);
  root.appendChild(stepFold);
}
