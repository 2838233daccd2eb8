// For a browser that lets the page keep nothing (assets/framed.js): the key to one's fits, and the way back with it.
// data = { key, problem }; key: "" while there is no fit. Where the browser keeps things, nothing of it shows.

import { draw, el, fill, rootOf } from '../assets/dom.js';

const FORGETS = 'Your browser lets this page keep nothing here, so a reload forgets your fit; this key brings you back to it.';

/**
 * @param {import('../assets/dom.js').Component} component
 */
export function mount(component) {
  const root = rootOf(component);
  const { trigger } = component;
  if (!Object.hasOwn(window, 'copeForgets')) return;

  const showKey = (key) => {
    const told = el('span.told', { role: 'status' });
    const field = el('input', { type: 'text', readonly: true, value: key, 'aria-label': 'Your key', onfocus: () => field.select() });
    const copy = async () => {
      field.focus();
      told.textContent = await navigator.clipboard.writeText(key).then(() => 'Copied.', () => 'Copy it from the field.');
    };
    return [el('p', {}, FORGETS), el('p.row', {}, field, el('button.quiet', { type: 'button', onclick: copy }, 'Copy'), told)];
  };
  const askForKey = (problem) => {
    const field = el('input', { type: 'text', autocomplete: 'off', spellcheck: 'false', 'aria-label': 'Your key' });
    const open = (event) => {
      event.preventDefault();
      trigger('back', { key: field.value });
    };
    return el('details', { open: !!problem }, el('summary', {}, 'Come back to a fit with its key'),
      el('form.row', { onsubmit: open }, field, el('button.quiet', { type: 'submit' }, 'Open')),
      problem ? el('p.problem', { role: 'alert' }, problem) : null);
  };
  draw(component, ({ key, problem }) => {
    root.replaceChildren();
    fill(root, key ? showKey(key) : askForKey(problem));
  });
}
