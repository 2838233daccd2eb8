// Behind the fit: data = { state: "none" | "folded" | "problem" | "open", message, whose, report, plots, pairs, alpha, selection, source, facts, settings }.

import { draw, el, plural, rootOf, signed } from '../assets/dom.js';
import { plot } from './plot.js';

const PARTS = { train: 'trained on', held_out: 'held out' };
const mean = (pairs, name) => pairs.reduce((sum, pair) => sum + pair[name], 0) / (pairs.length || 1);

const side = (name, text, reward) => el(`div.side.${name}`, {}, el('p.head', {}, name, el('b', {}, signed(reward, 2))), el('p.text', {}, text));
const pairRow = (pair, number) => el(`li.pair.${pair.part}`, {},
  el('p.asked', {}, el('span.number', {}, number), el('span.part', {}, PARTS[pair.part]), el('q', {}, pair.prompt)),
  side('chosen', pair.chosen, pair.chosen_reward), side('rejected', pair.rejected, pair.rejected_reward),
  pair.others.length ? el('details.others', {}, el('summary', {}, `${plural(pair.others.length, 'other candidate', 'other candidates')}`),
    pair.others.map((other) => side('candidate', other.text, other.reward))) : null);

const REJECTED = {
  lowest: 'the one with the lowest reward is rejected',
  hardest: 'the one with the highest reward is rejected',
  all: 'each is rejected in a pair of its own (the one with the highest reward is shown first)',
  misranked: 'those whose reward is above the own text\u2019s or near it are rejected, else the one with the highest (shown first)',
};
const pairsView = ({ pairs, alpha, selection, source, whose }) => {
  const held = pairs.filter((pair) => pair.part === 'held_out');
  const list = el('ol.pairs', { tabindex: 0, role: 'region', 'aria-label': 'All pairs' }, pairs.map((pair, i) => pairRow(pair, i + 1)));
  const only = el('input', { type: 'checkbox', onchange: () => list.classList.toggle('only-held', only.checked) });
  return el('section', {}, el('h4', {}, 'The pairs'),
    el('p', {}, `For every text ${source === 'oppu' ? 'OPPU (base for those held out)' : 'base'} wrote candidates to the same instruction; ${REJECTED[selection]}, ${whose} own text is chosen. A reward is the mean of a token, log p(OPPU) \u2212 ${alpha} \u00b7 log p(base), before DPO: on average ${signed(mean(pairs, 'chosen_reward'), 2)} for the chosen texts, ${signed(mean(pairs, 'rejected_reward'), 2)} for the rejected ones. (At a small alpha that is little else than log p(OPPU), so a fluent common text may well have the higher reward; DPO weighs both models alike.) What was held out was never trained on, as text or as pair.`),
    el('label.only', {}, only, `Only the ${plural(held.length, 'text', 'texts')} held out`), list);
};
const facts = (title, rows) => el('section.facts', {}, el('h4', {}, title), el('dl', {}, rows.map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, value)))));

const reportTable = ({ rows, caption }) => {
  const most = Math.max(...rows.map((row) => row.bits));
  return el('table.report', {},
    el('caption', {}, caption),
    el('thead', {}, el('tr', {}, el('td', {}),
      ['bits per token', 'told apart', 'by'].map((title) => el('th', { scope: 'col' }, title)))),
    el('tbody', {}, rows.map((row) => el('tr', {}, el('th', { scope: 'row' }, row.name),
      el('td.bits', { style: `--share:${(row.bits / most).toFixed(3)}` }, row.bits.toFixed(2)), el('td', {}, row.right),
      el('td', {}, row.margin.replace('-', '\u2212'))))));
};

/**
 * @param {import('../assets/dom.js').Component} component
 */
export function mount(component) {
  const root = rootOf(component);
  const { trigger } = component;
  const content = el('div.content', {});
  const fold = el('details', { ontoggle: () => { if (fold.open && !loaded) { loaded = true; trigger('unfold', {}); } } },
    el('summary', {}, 'All of it', el('span', {}, 'held-out texts, curves, pairs, settings')), content);
  let loaded = false;

  draw(component, (data) => {
    if (data.state === 'none') { loaded = false; fold.open = false; root.replaceChildren(el('p', {}, 'There is no fit yet: choose a sample user, or fit your own texts.')); return; }
    if (!fold.isConnected) root.replaceChildren(fold);
    if (data.state === 'folded') { loaded = false; fold.open = false; content.replaceChildren(el('p', { role: 'status' }, 'Loading\u2026')); return; }
    if (data.state === 'problem') { loaded = false; content.replaceChildren(el('p.problem', { role: 'alert' }, data.message)); return; }
    const width = root.clientWidth > 840 ? (root.clientWidth - 36) / 3 : root.clientWidth - 4;
    content.replaceChildren(
      el('section', {}, el('h4', {}, 'On the held-out texts'), reportTable(data.report)),
      el('section', {}, el('h4', {}, 'The curves'), el('div.plots', {}, data.plots.map((one) => el('div', {}, plot(one, Math.max(240, width)), el('p.what', {}, one.what))))),
      pairsView(data), el('div.two', {}, facts('What it was', data.facts), facts('Settings', data.settings)));
  });
}
