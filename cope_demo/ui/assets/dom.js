// Helpers of every panel. Text only ever enters the page as text nodes or through setAttribute, never as markup.
const root = element.querySelector('.cope') || element;
const SVG = 'http://www.w3.org/2000/svg';

// el('p.note', {id: 'x', onclick: f}, 'text', node, …): an element with classes, attributes or listeners, and children.
// Attribute names are always ours; whatever comes from data is a child or an attribute's value, so it stays text.
const el = (spec, given, ...children) => build((tag) => document.createElement(tag), spec, given, children);
const svg = (spec, given, ...children) => build((tag) => document.createElementNS(SVG, tag), spec, given, children);
const build = (make, spec, given, children) => {
  const [tag, ...classes] = spec.split('.');
  const node = make(tag);
  if (classes.length) node.setAttribute('class', classes.join(' '));
  for (const [name, value] of Object.entries(given || {})) {
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, '');
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, String(value));
  }
  return fill(node, children);
};
const fill = (node, children) => {
  for (const child of [children].flat(4)) {
    if (child === null || child === undefined || child === false) continue;
    node.appendChild(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return node;
};

// draw(f): f(data) now and whenever the server sends another value.
const draw = (paint) => {
  const run = () => {
    let data = null;
    try { data = JSON.parse(props.value || 'null'); } catch { data = null; }
    if (data !== null) paint(data);
  };
  run();
  watch('value', run);
};

const signed = (x, digits = 1) => {
  const text = Math.abs(x).toFixed(digits);
  return Number(text) === 0 ? text : (x < 0 ? '\u2212' : '+') + text;
};
const plural = (n, one, many) => `${n}\u00a0${n === 1 ? one : many}`;
const seconds = (s) => {
  if (s < 1) return 'a second';
  if (s < 90) return `${Math.round(s)}\u00a0seconds`;
  return `${Math.round(s / 60)}\u00a0minutes`;
};
// Names of the paper in a plain text, as V_head or π_user, set as they are in a formula.
const formula = (text) => text.split(/(V_head|π_user|π_base)/).map((part, at) => {
  const [letter, under] = part.split('_');
  return at % 2 ? [el('i', {}, letter), el('sub', {}, under)] : part;
});
