// The adapters to take away: data = { state: "none" | "ready" | "link" | "pushed" | "problem", … }. link: the zip's
// { path, filename, bytes }; pushed: { url, address, made }; problem: { message }. settings.accounts: whether people log in.

import { draw, el, fill, rootOf } from '../assets/dom.js';

const HINT = 'With a model card, and code that loads them with peft. Your texts are not in it.';
const NAME = 'cope-adapters';

/**
 * @param {import('../assets/dom.js').Component} component
 * @param {{ accounts?: boolean }} [settings]
 */
export function mount(component, { accounts = false } = {}) {
  const root = rootOf(component);
  const { trigger } = component;
  const tell = (...children) => fill((status.replaceChildren(), status), children);
  const start = (sentence, event, data) => {
    status.classList.remove('failed');
    tell(sentence);
    trigger(event, data);
  };
  const button = el('button.quiet', { type: 'button', onclick: () => start('Packing\u2026', 'take', {}) }, 'Download the adapters (zip)');
  const status = el('p.told', { role: 'status' }, '');
  const name = el('input', { type: 'text', value: NAME, autocomplete: 'off', spellcheck: 'false', autocapitalize: 'off', 'aria-label': 'Name of the repository' });
  const open = el('input', { type: 'checkbox' });
  const push = (event) => {
    event.preventDefault();
    start('Pushing\u2026', 'push', { name: name.value, public: open.checked });
  };
  const form = el('form.push', { onsubmit: push }, el('button.quiet', { type: 'submit' }, 'Push to my account'), name,
    el('label', {}, open, 'for everybody to see'));
  const hint = accounts ? `${HINT} A push is private, unless you tick otherwise.` : HINT;
  const parts = accounts ? [button, form, status] : [button, status];

  draw(component, (data) => {
    if (data.state === 'none') { root.replaceChildren(); return; }
    if (!button.isConnected) root.replaceChildren(...parts);
    status.classList.toggle('failed', data.state === 'problem');
    tell(data.state === 'problem' ? data.message : hint);
    if (data.state === 'pushed' && /^https?:\/\//.test(data.url)) {
      tell(data.made ? 'Pushed to ' : 'Pushed as a newer version of ', el('a', { href: data.url, target: '_blank', rel: 'noopener' }, data.url),
        '. Here they open as ', el('code', {}, data.address), '.');
    }
    if (data.state !== 'link' || !/^adapters\/[0-9a-f]{64}$/.test(data.path)) return;
    el('a', { href: data.path, download: data.filename }).click();
    tell(`${data.filename}, ${(data.bytes / 1e6).toFixed(1)}\u202fMB, is on its way. The link works once.`);
  });
}
