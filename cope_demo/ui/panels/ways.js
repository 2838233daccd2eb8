// The ways about the page that Gradio's parts do not have: where the window goes after a choice, data = { to }, and Ctrl+Enter in
// the prompt.

import { openAround } from '../assets/chapters.js';
import { draw } from '../assets/dom.js';
import { arrive, bring } from '../assets/scroll.js';

/**
 * The places by name: what comes into sight, and what is given the focus, which a button that has gone would lose.
 * @type {Record<string, { place: string, focus?: string }>}
 */
const PLACES = {
  own: { place: '#own' },
  fit: { place: '#fit-view', focus: '.cope-fit .headline' },
  compare: { place: '#ask', focus: '#compare' },
};
const PATIENCE = 60; // looks, 50 milliseconds apart, for a place that is still being made

const find = (selector) => {
  const node = document.querySelector(selector);
  return node instanceof HTMLElement && node.getClientRects().length ? node : null;
};

/** @param {{ place: string, focus?: string }} where @param {number} [looks] */
const lead = ({ place, focus }, looks = PATIENCE) => {
  const there = document.querySelector(place);
  if (there) openAround(there);
  const node = find(place);
  const target = focus ? find(focus) : node;
  if (!node || !target) {
    if (looks) setTimeout(() => lead({ place, focus }, looks - 1), 50);
    return;
  }
  if (focus) target.focus({ preventScroll: true });
  arrive(() => bring(node, { least: innerHeight * 0.6 }));
};

/** @param {import('../assets/dom.js').Component} component */
export function mount(component) {
  draw(component, ({ to }) => { if (PLACES[to]) lead(PLACES[to]); });
  document.addEventListener('keydown', (event) => {
    const { target } = event;
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey) || !(target instanceof Element) || !target.closest('#prompt')) return;
    event.preventDefault();
    /** @type {HTMLElement | null} */ (document.querySelector('#compare'))?.click();
  });
}
