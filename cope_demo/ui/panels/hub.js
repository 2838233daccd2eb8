// Adapters of the Hugging Face hub: data = { address, problem, query }; query: a link's, which is opened at once.

import { openAround } from '../assets/chapters.js';
import { draw, el, fill, rootOf } from '../assets/dom.js';

const HINT = 'What “Push to my account” has made, or a plain LoRA for this model as peft saves it. They are fetched for you alone.';

/**
 * @param {import('../assets/dom.js').Component} component
 */
export function mount(component) {
  const root = rootOf(component);
  const { trigger } = component;

  draw(component, ({ address, problem, query }) => {
    const field = el('input', { type: 'text', value: address, autocomplete: 'off', spellcheck: 'false', autocapitalize: 'off',
      placeholder: 'owner/name@revision', 'aria-label': 'Name on the hub' });
    const button = el('button.quiet', { type: 'submit' }, 'Open');
    const told = el(problem ? 'p.problem' : 'p.told', { role: problem ? 'alert' : 'status' }, problem || HINT);
    const open = (asked) => {
      button.disabled = true;
      told.className = 'told';
      told.textContent = `Opening ${asked.adapter}\u2026`;
      trigger('open', { query: asked });
    };
    const submit = (event) => {
      event.preventDefault();
      if (field.value.trim() && !button.disabled) open({ adapter: field.value.trim() });
    };
    root.replaceChildren();
    fill(root, el('details', { open: !!address }, el('summary', {}, 'Open adapters from the Hugging Face hub'),
      el('form.row', { onsubmit: submit }, field, button), told));
    if (query || problem) openAround(root);
    if (query) open(query);
  });
}
