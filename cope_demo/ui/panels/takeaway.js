// The adapters as a zip: data = { state: "none" | "ready" | "link" | "problem", path, filename, bytes, message }.

import { draw, el, rootOf } from '../assets/dom.js';

const HINT = 'With a model card, and code that loads them with peft. Your texts are not in it.';

/**
 * @param {import('../assets/dom.js').Component} component
 */
export function mount(component) {
  const root = rootOf(component);
  const { trigger } = component;
  const button = el('button.quiet', { type: 'button', onclick: () => { status.textContent = 'Packing\u2026'; trigger('take', {}); } }, 'Download the adapters (zip)');
  const status = el('span.told', { role: 'status' }, '');

  draw(component, (data) => {
    if (data.state === 'none') { root.replaceChildren(); return; }
    if (!button.isConnected) root.replaceChildren(button, status);
    status.classList.toggle('failed', data.state === 'problem');
    status.textContent = data.state === 'problem' ? data.message : HINT;
    if (data.state !== 'link' || !/^adapters\/[0-9a-f]{64}$/.test(data.path)) return;
    el('a', { href: data.path, download: data.filename }).click();
    status.textContent = `${data.filename}, ${(data.bytes / 1e6).toFixed(1)}\u202fMB, is on its way. The link works once.`;
  });
}
