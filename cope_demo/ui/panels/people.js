// Whose writing: a card for each person, chosen like a radio button, and below them what is told of whom is chosen.
// data = { cards: [...], chosen }.

import { draw, el, fill, rootOf } from '../assets/dom.js';

/**
 * @param {import('../assets/dom.js').Component} component
 */
export function mount(component) {
  const root = rootOf(component);
  const { trigger } = component;
  /** @type {HTMLElement[]} */
  let cards = [];
  let people = [];
  const group = el('div.people', { role: 'radiogroup', 'aria-label': 'Whose writing' });
  const about = el('p.about', { role: 'status' });
  root.append(group, about);
  let chosen = null;
  let awaited = null; // the choice whose answer is to come next; meanwhile others may be made
  const asked = { id: '' }; // one for all choices: what is sent after that answer is the first one's data, as they are by then

  const choose = (id) => {
    awaited ??= id;
    asked.id = id;
    mark(id);
    trigger('pick', asked);
  };
  const mark = (id) => {
    chosen = id;
    for (const card of cards) {
      const on = card.dataset.id === id;
      card.setAttribute('aria-checked', String(on));
      card.setAttribute('tabindex', on ? '0' : '-1');
    }
    const person = people.find((one) => one.id === id);
    about.replaceChildren();
    if (person) fill(about, [person.about, person.tags.map((tag) => el('span.tag', {}, tag))]);
  };

  draw(component, ({ cards: told, chosen: id }) => {
    people = told;
    cards = people.map((card) => el(`button.card${card.own ? '.own' : ''}`,
      { type: 'button', role: 'radio', 'data-id': card.id, 'data-mine': card.mine, onclick: () => choose(card.id) },
      el('span.top', {},
        el('span.monogram', { 'aria-hidden': true }, card.own ? '+' : [...card.name][0] || '?'),
        el('span.who', {}, el('span.name', {}, card.name), el('span.role', { title: card.role }, card.role)))));
    const focused = group.contains(document.activeElement);
    group.replaceChildren(...cards);
    const overtaken = id === awaited && people.some((one) => one.id === chosen && one.id !== id);
    awaited = overtaken ? chosen : null;
    mark(overtaken ? chosen : id);
    if (focused) cards.find((card) => card.dataset.id === chosen)?.focus({ preventScroll: true }); // it went with the old cards
  });

  group.addEventListener('keydown', (event) => {
    const at = cards.findIndex((card) => card.dataset.id === chosen);
    const move = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!move) return;
    event.preventDefault();
    const next = cards[(at + move + cards.length) % cards.length];
    next.focus();
    choose(next.dataset.id);
  });
}
