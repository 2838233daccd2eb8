// The few motions of a decision: bars rise, rows change places, the winner drops into the sentence. They are Web Animations of
// transforms and opacity alone; where a system asks for calm, nothing moves and the end is shown at once.

import { isCalm } from '../assets/scroll.js';

export const ARRANGE = 450; // milliseconds
const RISE = 420;
const DROP = 600;

/**
 * Bars grow from nothing to the length that they have.
 * @param {Iterable<Element>} bars
 */
export const rise = (bars) => {
  if (isCalm()) return;
  [...bars].forEach((bar, number) => bar.animate([{ transform: 'scaleX(0)' }], { duration: RISE, delay: 35 * number, easing: 'ease-out', fill: 'backwards' }));
};

/**
 * Rows go from where they are to where `change` puts them.
 * @param {Iterable<Element>} nodes
 * @param {() => void} change
 */
export const arrange = (nodes, change) => {
  if (isCalm()) { change(); return; }
  const before = new Map([...nodes].map((node) => [node, node.getBoundingClientRect().top]));
  change();
  const ways = new Map([...before].map(([node, top]) => [node, top - node.getBoundingClientRect().top])); // all is measured before anything moves
  for (const [node, by] of ways) {
    if (by) node.animate([{ transform: `translateY(${by}px)` }, { transform: 'none' }], { duration: ARRANGE, easing: 'ease' });
  }
};

/**
 * A copy of a word goes to its place in a text, once the rows have come to rest.
 * @param {HTMLElement} from the word in its row
 * @param {HTMLElement} to its place
 * @param {HTMLElement} host what holds both, and is positioned
 */
export const drop = (from, to, host) => {
  if (isCalm()) return;
  to.animate([{ opacity: 0 }, { opacity: 0, offset: 0.9 }, { opacity: 1 }], { duration: ARRANGE + DROP });
  setTimeout(() => {
    if (!from.isConnected || !to.isConnected) return;
    const [here, there, frame] = [from, to, host].map((node) => node.getBoundingClientRect());
    const copy = /** @type {HTMLElement} */ (from.cloneNode(true));
    copy.classList.add('cope-dropping');
    copy.setAttribute('aria-hidden', 'true');
    copy.style.left = `${here.left - frame.left - host.clientLeft + host.scrollLeft}px`;
    copy.style.top = `${here.top - frame.top - host.clientTop + host.scrollTop}px`;
    host.append(copy);
    const way = `translate(${there.left - here.left}px, ${there.top + there.height / 2 - here.top - here.height / 2}px)`;
    copy.animate([{ transform: 'none' }, { transform: way }], { duration: DROP, easing: 'cubic-bezier(0.5, 0, 0.4, 1)' }).finished
      .catch(() => {}).then(() => copy.remove());
  }, ARRANGE);
};
