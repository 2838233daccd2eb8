// The page's chapters, and which of them are open: a list of names on the document's element, where the style sheets read it
// (page.css), so that what is closed never shows, also before Gradio has made it. This tab keeps the list over a reload.

import { arrive, goTo, pageTop } from './scroll.js';

const KEY = 'cope-chapters';
const NAMES = ['compare', 'own', 'lessons', 'score', 'behind'];
const PATIENCE = 400; // looks, 50 milliseconds apart, for a place that is still being made
const EDGE = 8; // pixels between the window's top and a chapter's

const openNames = () => (document.documentElement.dataset.open || '').split(' ').filter((name) => NAMES.includes(name));

const show = (names) => {
  document.documentElement.dataset.open = names.join(' ');
  try {
    sessionStorage.setItem(KEY, names.join(' '));
  } catch { /* where a browser forbids it, nothing is kept */ }
  paintHeads();
  dispatchEvent(new Event('resize')); // Gradio's text boxes measure themselves anew
};

// Tells listeners which chapters are open, on the heads that there are.
const paintHeads = () => {
  const names = openNames();
  for (const head of document.querySelectorAll('.chapter-head')) {
    if (head instanceof HTMLElement) head.setAttribute('aria-expanded', String(names.includes(head.dataset.chapter)));
  }
};

/** @param {string} name */
export const openChapter = (name) => {
  const names = openNames();
  if (!names.includes(name)) show([...names, name]);
};

/**
 * Opens the chapter that an element stands in.
 * @param {Element} node
 */
export const openAround = (node) => {
  const chapter = node.closest('.chapter');
  if (chapter) openChapter(chapter.id.replace('chapter-', ''));
};

const toggle = (name) => {
  const names = openNames();
  show(names.includes(name) ? names.filter((other) => other !== name) : [...names, name]);
};

// Calls act with the element once the page has it.
const whenThere = (selector, act, looks = PATIENCE) => {
  const node = document.querySelector(selector);
  if (node instanceof HTMLElement && node.getClientRects().length) act(node);
  else if (looks) setTimeout(() => whenThere(selector, act, looks - 1), 50);
};

// Opens a chapter and brings its top to the window's; the focus goes to what is done there first.
const enter = (name, focus) => {
  openChapter(name);
  whenThere(`#chapter-${name}`, (chapter) => arrive(() => goTo(pageTop(chapter) - EDGE)));
  whenThere(focus, (target) => target.focus({ preventScroll: true }));
};

/** Where the two doors lead. */
const DOORS = {
  person: () => {
    const mine = '.people .card[data-id=new][aria-checked=true]';
    enter('compare', '.people .card[aria-checked=true]');
    whenThere('.people .card', (card) => { if (document.querySelector(mine)) card.click(); });
  },
  you: () => {
    enter('own', '#history textarea');
    pickOwn();
  },
};

// One's own writing is chosen: a fit that is there already, or else a new one.
const pickOwn = (looks = PATIENCE) => {
  const cards = [...document.querySelectorAll('.people .card')].filter((card) => card instanceof HTMLElement);
  if (!cards.length && looks) { setTimeout(() => pickOwn(looks - 1), 50); return; }
  const own = cards.filter((card) => 'mine' in card.dataset || card.dataset.id === 'new');
  if (!own.some((card) => card.getAttribute('aria-checked') === 'true')) own[0]?.click();
};

/** Answers doors and heads, and opens what somebody wants to show; once a page. */
export const runChapters = () => {
  let kept = '';
  try {
    kept = sessionStorage.getItem(KEY) || '';
  } catch { /* nothing was kept */ }
  document.documentElement.dataset.open = kept;
  const asked = new URLSearchParams(location.search);
  if (['user', 'lesson', 'adapter'].some((name) => asked.has(name))) openChapter('compare'); // a link shows there, or what is wrong with it
  whenThere(`#chapter-${NAMES.at(-1)} .chapter-head`, paintHeads); // Gradio has made them
  document.addEventListener('click', ({ target }) => {
    const pressed = target instanceof Element ? target.closest('.chapter-head, .door') : null;
    if (!(pressed instanceof HTMLElement)) return;
    if (pressed.dataset.door) DOORS[pressed.dataset.door]?.();
    else toggle(pressed.dataset.chapter);
  });
  // A lesson and what is written show in the comparison's view, wherever they were begun.
  for (const event of ['cope-lesson-open', 'cope-begin']) {
    document.addEventListener(event, ({ target }) => { if (target instanceof Element) openAround(target); }, true);
  }
};
