// The paper's BibTeX with a button that copies it: data = { bibtex }.

import { draw, el, rootOf } from '../assets/dom.js';

/**
 * @param {import('../assets/dom.js').Component} component
 */
export function mount(component) {
  const root = rootOf(component);
  draw(component, ({ bibtex }) => {
    const text = el('pre', { tabindex: 0 }, bibtex);
    const status = el('span.told', { role: 'status' }, '');
    const copy = async () => {
      getSelection().selectAllChildren(text);
      try { await navigator.clipboard.writeText(bibtex); status.textContent = 'Copied.'; } catch { status.textContent = 'Selected; copy it with the keyboard.'; }
    };
    root.replaceChildren(el('details', {}, el('summary', {}, 'Cite the method'), text, el('p', {}, el('button.quiet', { type: 'button', onclick: copy }, 'Copy'), ' ', status)));
  });
}
