// How a history was understood: data = { state, whole, of, problem, summary, warnings, notes, samples, more }. A quick look at
// texts that are still being changed is made whole once they rest.

import { draw, el, rootOf } from '../assets/dom.js';

const noteRow = (note) => el('li', {},
  el(`span.verdict.${note.action}`, {}, note.action), ` ${note.count > 1 ? `texts ${note.number} to ${note.number + note.count - 1}` : `text ${note.number}`}: ${note.reason}`,
  note.excerpt ? el('q', {}, note.excerpt) : null);

const sampleRow = (sample, number) => el('tr', {},
  el('td.number', {}, number),
  el('td', {}, sample.prompt === '' ? el('em', {}, 'made from its key words at the fit') : sample.prompt),
  el('td.words', {}, sample.start, sample.cut ? '…' : ''));

const REST = 700; // milliseconds without a change

/**
 * @param {import('../assets/dom.js').Component} component
 */
export function mount(component) {
  const root = rootOf(component);
  root.setAttribute('aria-live', 'polite');
  let resting = 0;
  let latest = null; // the texts of the last quick look
  draw(component, (data) => {
    if (data.whole && data.of && data.of !== latest) return; // of texts that were changed while it was made
    if (!data.whole) latest = data.of;
    root.replaceChildren();
    if (data.state === 'empty' || data.whole === false) clearTimeout(resting);
    if (data.state === 'read' && data.whole === false) resting = setTimeout(() => component.trigger('settle', {}), REST);
    if (data.state === 'empty') {
      root.appendChild(el('p.hint', {}, 'What you paste is shown here as the model will read it: which texts, what was cut or dropped and why.'));
      return;
    }
    if (data.problem) root.appendChild(el('p.problem', { role: 'alert' }, data.problem));
    if (data.summary) root.appendChild(el('p.summary', {}, data.summary));
    for (const warning of data.warnings || []) root.appendChild(el('p.warning', {}, warning));
    if (data.notes?.length) {
      root.appendChild(el('details.notes', { open: data.notes.length <= 4 },
        el('summary', {}, `What was changed or left out (${data.notes.length})`), el('ul', {}, data.notes.map(noteRow))));
    }
    if (data.samples?.length) {
      root.appendChild(el('div.scroll', { tabindex: 0, role: 'region', 'aria-label': 'Your texts as they were understood' },
        el('table', {},
          el('thead', {}, el('tr', {}, el('th', { scope: 'col' }, ''), el('th', { scope: 'col' }, 'The instruction'), el('th', { scope: 'col' }, 'Your text begins'))),
          el('tbody', {}, data.samples.map((sample, i) => sampleRow(sample, i + 1))))));
      if (data.more) root.appendChild(el('p.more', {}, `… and ${data.more} more.`));
    }
  });
}
