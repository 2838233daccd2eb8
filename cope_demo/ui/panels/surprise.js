// What base finds unusual about one's own texts: data = { state: "empty" | "reading" | "done" | "problem", message, run,
// instruction, of, more, texts: [{ tokens: [text, bits][], cut }] }.

import { draw, el, plural, rootOf } from '../assets/dom.js';
import { coloured, legend, mean, unusual } from './bits.js';

const sum = (tokens) => {
  const words = unusual(tokens);
  const listed = words.flatMap(([word, bits], at) => [at ? ', ' : ' · most unusual: ', el('b', {}, word), ` ${bits.toFixed(0)}`]);
  return [`${mean(tokens).toFixed(1)} bits a token`, ...listed];
};
const textView = (text, number) => el('li', {},
  el('p.text', {}, coloured(text.tokens), text.cut ? el('span.cut', {}, ' … (the rest is not read here)') : null),
  el('p.sum', {}, `Text ${number}: `, sum(text.tokens)));

/**
 * @param {import('../assets/dom.js').Component} component
 */
export function mount(component) {
  const root = rootOf(component);
  const list = el('ol', {});
  const status = el('p.status', { role: 'status' });
  const about = el('p.about', {});
  const view = el('section', { 'aria-label': 'What base finds unusual about your texts' },
    el('h3', {}, 'What a model finds unusual about you'), about, legend(),
    el('div.scroll', { tabindex: 0, role: 'region', 'aria-label': 'Your texts, coloured by surprise' }, list), status);
  let drawn = []; // the texts in the list, as JSON
  let run, dropped; // what is drawn, and what was drawn before its texts were changed: more of it may still arrive

  draw(component, (data) => {
    if (data.state === 'empty') { dropped = run; drawn = []; list.replaceChildren(); root.replaceChildren(); return; }
    if (data.run === dropped) return;
    run = data.run;
    if (!view.isConnected) root.replaceChildren(view);
    const texts = data.texts.map((text) => JSON.stringify(text));
    if (drawn.some((text, at) => text !== texts[at])) { drawn = []; list.replaceChildren(); } // other texts
    for (const text of data.texts.slice(drawn.length)) list.appendChild(textView(text, list.children.length + 1));
    drawn = texts;
    about.textContent = 'How surprising each piece of your texts is for base, which knows nothing of you: minus log2 of its probability, in bits; one bit more is half the chance.'
      + (data.instruction ? ` Each is read as the answer to “${data.instruction}”` : ' Each is read as the answer to its own instruction.');
    status.className = `status ${data.state}`;
    const left = data.more ? ` The other ${data.more} are not read here; a fit reads them all.` : '';
    status.textContent = data.state === 'problem' ? data.message
      : data.state === 'done' ? `${plural(drawn.length, 'text', 'texts')} read, on average ${mean(data.texts.flatMap((text) => text.tokens)).toFixed(1)} bits a token.${left}`
        : data.message || `Base reads your texts: ${drawn.length} of ${data.of}.`;
  });
}
