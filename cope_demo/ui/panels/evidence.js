// Does it work: data = { state: "none" | "open", answer: { sentence, rests } | null, intro, limits, groups: [{ label, lead, rows }], sweeps, absent: [label],
// and of the controls, written: { lead, rests, figure } | null, controls and families: [{ label, lead, rows, figures }]; results, every_control and every_family: where these documents lie }.

import { draw, el, fill, rootOf } from '../assets/dom.js';

const three = (x) => (x === null || x === undefined ? '' : x.toFixed(3));
const scaled = (rows, lines) => {
  const ends = rows.flatMap((row) => [row.low, row.high]).concat(lines.map((line) => line.value));
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  const room = (high - low || 0.01) * 0.06;
  return (value) => (100 * (value - low + room)) / (high - low + 2 * room);
};
const bar = (x, row, lines) => el('div.range', { 'aria-hidden': true }, lines.map((line, n) => el(`span.line.n${n}`, { style: `left:${x(line.value)}%` })),
  el(`span.whisker.${row.kind || 'plain'}`, { style: `left:${x(row.low)}%;width:${x(row.high) - x(row.low)}%` }),
  el(`span.mean.${row.kind || 'plain'}`, { style: `left:${x(row.value)}%` }));
const ends = (row) => el('span.ends', {}, `${three(row.low)}\u2009\u2013\u2009${three(row.high)}`);
const heads = (titles) => el('thead', {}, el('tr', {}, titles.map(([title, spec]) => (title ? el(spec || 'th', { scope: 'col' }, title) : el('td', {})))));

const others = [['ROUGE-1', 'rouge1'], ['METEOR', 'meteor'], ['bits a token', 'bits'], ['s a query', 'seconds']];
const methods = ({ label, rows }, open) => {
  const measured = rows.filter((row) => row.value !== null);
  const x = scaled(measured, []);
  const used = others.map((_, n) => measured.some((row) => row.others[n] !== null && row.others[n] !== undefined));
  const extra = others.filter((_, n) => used[n]).map(([title]) => [title, 'th.other']);
  return el('table', {}, el('caption.heard', {}, `${label}: every method, with 95 % intervals over authors`),
    heads([[''], ['ROUGE-L, 95\u202f% interval'], [''], ...extra]),
    el('tbody', {}, rows.map((row) => el('tr', {}, el('th', { scope: 'row' }, row.name, el('span.what', {}, row.what),
      row.texts ? el('button.texts', { type: 'button', 'aria-label': `Texts by ${row.name}`, onclick: () => open(row.method) }, 'texts') : null),
      row.value === null ? el('td.absent', { colspan: 2 + extra.length }, 'not measured') : [
        el('td', {}, el('b', {}, three(row.value)), ends(row)), el('td.plotted', {}, bar(x, row, [])),
        row.others.filter((_, n) => used[n]).map((value) => el('td.other', {}, value === null || value === undefined ? '' : value.toFixed(value < 1 ? 3 : 2)))]))));
};
// What was written, below the table; `mark` shows a method's texts among them.
const texts = (examples) => {
  const node = el('details.examples', {}, el('summary', {}, 'What they wrote: two examples'), examples.map(({ title, source, texts }) => el('section', {}, el('h4', {}, title, el('span', {}, source)),
    el('dl', {}, texts.map(({ method, name, kind, text, value }) => el('div', { 'data-method': method }, el(`dt${kind ? `.is-${kind}` : ''}`, {}, name, value === null ? null : el('span', {}, three(value))), el('dd', { dir: 'auto' }, text || '(nothing)')))))));
  const mark = (method) => {
    node.open = true;
    for (const one of /** @type {NodeListOf<HTMLElement>} */ (node.querySelectorAll('dl div'))) one.classList.toggle('marked', one.dataset.method === method);
    node.querySelector('.marked').scrollIntoView({ block: 'center' });
  };
  return { node, mark };
};
const sweep = ({ label, size, parts, against }) => el('section', {}, el('h4', {}, label, el('span', {}, size)),
  el('p.lines', {}, against.map((line, n) => el('span', {}, el(`i.n${n}`, {}), `${line.name} ${three(line.value)}`))),
  el('div.two', {}, parts.map(({ moved, fixed, rows }) => {
    const x = scaled(rows, against);
    return el('table', {}, el('caption', {}, `ROUGE-L over ${moved}, at ${fixed}`), heads([[moved], ['method'], ['ROUGE-L'], ['']]),
      el('tbody', {}, rows.map((row, n) => el('tr', {}, el('td', {}, n && rows[n - 1].at === row.at ? el('span.heard', {}, row.at) : row.at), el('td.name', {}, row.name),
        el('td', {}, el('b', {}, three(row.value)), ends(row)), el('td.plotted', {}, bar(x, row, against))))));
  })));

const columns = ['log p a token', 'author found', 'in pairs', 'next token right'];
const share = (value) => `${Math.round(100 * value)}\u202f%`;
// Shares beside chance, from `start` to all.
const found = ({ title, rows, lines, start }) => {
  const x = (value) => (100 * (Math.max(start, Math.min(1, value)) - start)) / (1 - start); // a share, of which a t interval knows nothing
  return el('table.found', {}, el('caption', {}, title, el('span', {}, lines.map((line) => [el('i.n0', {}), `${line.name} ${share(line.value)}`]))),
    el('tbody', {}, rows.map((row) => el('tr', {}, el('th', { scope: 'row' }, row.name, el('span.what', {}, row.what)), el('td', {}, el('b', {}, share(row.value)), el('span.ends', {}, `${share(Math.max(0, row.low))}\u2009\u2013\u2009${share(Math.min(1, row.high))}`)),
      el('td.plotted', {}, bar(x, row, lines))))));
};
// Tokens that contrast made the author's own, and those that it took from them.
const flips = ({ title, flips: rows }) => {
  const most = Math.max(1, ...rows.flatMap((row) => [row.gained, row.lost]));
  const part = (kind, count, words) => el('div.flip', {}, el(`i.${kind}`, { style: `width:${(75 * count) / most}%` }), count, el('span.heard', {}, ` ${words}`));
  const legend = [['above', 'became the author’s'], ['below', 'were, and are not']];
  return el('table.found', {}, el('caption', {}, title, legend.map(([kind, words]) => el('span', {}, el(`i.${kind}`, {}), words))),
    el('tbody', {}, rows.map((row) => el('tr', {}, el('th', { scope: 'row' }, row.name), el('td', {}, `of ${row.of} tokens`),
      el('td.plotted', {}, part('above', row.gained, legend[0][1]), part('below', row.lost, legend[1][1]))))));
};
const control = ({ label, lead, rows, figures }) => {
  const used = columns.map((_, n) => rows.some((row) => row.values[n] !== null));
  return el('section', {}, el('h4', {}, label), el('p.lead', {}, lead), el('div.two', {}, figures.map((one) => (one.flips ? flips(one) : found(one)))), rows.length === 0 ? null : el('table', {}, el('caption.heard', {}, `${label}: the authors’ own texts, read by adapters`),
    heads([[''], ...columns.filter((_, n) => used[n]).map((title) => [title])]),
    el('tbody', {}, rows.map((row) => el('tr', {}, el('th', { scope: 'row' }, row.name, el('span.what', {}, row.what)),
      row.values.filter((_, n) => used[n]).map((value) => el('td', {}, three(value))))))));
};
const writers = ({ lead, rests, figure }) => el('section.written', {}, el('p.lead', {}, lead), found(figure), el('p.more', {}, rests));
const controls = (parts, title, words, file, href = file) => (parts.length ? el('details.sweeps.controls', {}, el('summary', {}, title), parts.map(control),
  el('p.more', {}, `${words}: `, el('a', { href, target: '_blank', rel: 'noopener' }, file), '.')) : null);

const link = (href = 'docs/RESULTS.md') => el('p.more', {}, 'All tables, examples, and how to run it again: ', el('a', { href, target: '_blank', rel: 'noopener' }, 'docs/RESULTS.md'), '.');
const missing = (absent) => (absent.length ? el('p.absent', {}, `Not measured yet: ${absent.join(', ')}.`) : null);

/**
 * @param {import('../assets/dom.js').Component} component
 */
export function mount(component) {
  const root = rootOf(component);
  draw(component, (data) => {
    if (data.state === 'none') { root.replaceChildren(el('p', {}, 'Nothing has been measured on real authors yet.'), missing(data.absent), link(data.results)); return; }
    const place = el('div', { 'aria-live': 'polite' });
    const show = (group, button) => {
      for (const other of chips.querySelectorAll('button')) other.setAttribute('aria-pressed', String(other === button));
      const below = group.examples.length ? texts(group.examples) : null;
      place.replaceChildren(el('p.lead', {}, group.lead), methods(group, (method) => below.mark(method)), ...(below ? [below.node] : []));
    };
    const chips = el('div.chips', { role: 'group', 'aria-label': 'Task' }, data.groups.map((group) =>
      el('button.chip', { type: 'button', onclick: (event) => show(group, event.currentTarget) }, group.label)));
    root.replaceChildren();
    fill(root, [data.answer ? [el('p.answer', {}, data.answer.sentence), el('p.rests', {}, data.answer.rests)] : null, data.written ? writers(data.written) : null, el('p.intro', {}, data.intro), el('p.limits', {}, data.limits), chips, place, missing(data.absent),
      data.sweeps.length ? el('details.sweeps', {}, el('summary', {}, 'How alpha and tau change it'), data.sweeps.map(sweep)) : null,
      controls(data.controls, 'What an adapter knows of its author', 'Every control, with intervals', 'docs/controls.md', data.every_control),
      controls(data.families, 'Whether it grows with the model', 'All that was compared', 'docs/families.md', data.every_family), link(data.results)]);
    show(data.groups[0], chips.firstChild);
  });
}
