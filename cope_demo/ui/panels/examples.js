// Example prompts to click: data = { label, prompts: [...] }.

import { draw, el, rootOf } from '../assets/dom.js';

/**
 * @param {import('../assets/dom.js').Component} component
 */
export function mount(component) {
  const root = rootOf(component);
  const { trigger } = component;
  draw(component, ({ label, prompts }) => {
    root.replaceChildren();
    if (!prompts.length) return;
    root.appendChild(el('p.label', {}, label));
    root.appendChild(el('div.chips', {}, prompts.map((text) =>
      el('button.chip', { type: 'button', title: text, onclick: () => trigger('use', { text }) }, text))));
  });
}
