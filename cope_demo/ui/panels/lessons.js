// The row of lessons: data = [{ id, title, teaser }, …]. One press opens a saved comparison with its text.

import { draw, el, formula, rootOf } from '../assets/dom.js';

/**
 * @param {import('../assets/dom.js').Component} component
 */
export function mount(component) {
  const root = rootOf(component);
  const { trigger } = component;
  draw(component, (lessons) => {
    root.replaceChildren(el('h2', {}, 'Short lessons', el('span', {}, 'saved comparisons that open at once')),
      el('ol', {}, lessons.map(({ id, title, teaser }, at) => el('li', {},
        el('button', { type: 'button', 'data-id': id, onclick: () => trigger('open', { id }) },
          el('span.number', { 'aria-hidden': true }, at + 1),
          el('span.about', {}, el('span.title', {}, formula(title)), el('span.teaser', {}, teaser)))))));
  });
}
