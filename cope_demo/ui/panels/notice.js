// One sentence across the page: data = { kind: "wait" | "problem" | "none", message }.

import { draw, el, rootOf } from '../assets/dom.js';

/**
 * @param {import('../assets/dom.js').Component} component
 */
export function mount(component) {
  const root = rootOf(component);
  draw(component, ({ kind, message }) => {
    root.replaceChildren();
    if (kind !== 'none') root.appendChild(el(`p.notice.${kind}`, { role: kind === 'problem' ? 'alert' : 'status' }, message));
  });
}
