// Where the window goes. Whoever moves the page asks here for an absolute place, worked out from the page itself, so that a
// later wish replaces an earlier one whole, wherever the window is on its way.

let aim = null; // where a smooth scroll is going; null while the window rests
const rest = () => { aim = null; };

const EDGE = 16; // pixels around what is brought into sight

/** Whether nothing may move by itself. */
export const isCalm = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

/** Where the window's top is, or will be once it rests, in pixels from the page's top. */
export const windowTop = () => aim ?? scrollY;

/**
 * Pixels of an element, or of the first line of a piece of text, from the page's top.
 * @param {Element} node
 */
export const pageTop = (node) => (node.getClientRects()[0] || node.getBoundingClientRect()).top + scrollY;

/**
 * Moves the window's top to a place, in pixels from the page's top.
 * @param {number} top
 */
export const goTo = (top) => {
  const y = Math.round(Math.max(0, Math.min(top, document.documentElement.scrollHeight - innerHeight)));
  if (Math.abs(y - windowTop()) < 2) return;
  aim = y;
  addEventListener('scrollend', rest, { once: true });
  setTimeout(() => { if (aim === y) rest(); }, 1500); // where the browser does not tell of the end
  scrollTo({ top: y, behavior: isCalm() ? 'instant' : 'smooth' });
};

/**
 * Brings an element into the part of the window above a floor, unless it is there.
 * @param {Element} node
 * @param {{ floor?: number, least?: number }} [space] pixels from the window's top; least: how much from
 *   the element's top on has to be in sight, by default its own height (a text's first line)
 */
export const bring = (node, { floor = innerHeight, least } = {}) => {
  const top = pageTop(node);
  const height = least ?? (node.getClientRects()[0] || node.getBoundingClientRect()).height;
  const inside = top - windowTop() >= EDGE && top + height - windowTop() <= floor - EDGE;
  if (!inside) goTo(top - Math.max(EDGE, Math.min(60, (floor - height) / 2)));
};

let journey = 0;
const AGAIN = [250, 600, 1200]; // milliseconds, while the page may still be laid out anew around the place

/**
 * Scrolls by `act`, and looks again a few times whether it has to, until somebody else moves.
 * @param {() => void} act
 */
export const arrive = (act) => {
  journey += 1;
  const mine = journey;
  const leave = () => { if (journey === mine) journey += 1; };
  for (const event of ['wheel', 'touchmove', 'pointerdown', 'keydown']) addEventListener(event, leave, { once: true, passive: true });
  act();
  for (const later of AGAIN) setTimeout(() => { if (journey === mine) act(); }, later);
};
