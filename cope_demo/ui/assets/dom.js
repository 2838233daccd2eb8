// Helpers of every component. Text only ever enters the page as text nodes or through setAttribute, never as markup.

/**
 * What a component is mounted with: the names that Gradio gives a script.
 * @typedef {object} Component
 * @property {HTMLElement} element the component's place in the page
 * @property {{ value?: string | null }} props the value that the server sent
 * @property {(name: string, changed: () => void) => void} watch calls `changed` whenever that property has changed
 * @property {((event: string, data: object) => void) | null} trigger raises an event for the server; null where there is none
 * @property {Record<string, (...args: any[]) => Promise<any>>} server the server's functions by name
 */

/**
 * @template {string} Spec
 * @typedef {Spec extends `${infer Tag}.${string}` ? Tag : Spec} TagOf the tag's name in 'p.note'
 */

/**
 * @template {string} Spec
 * @typedef {TagOf<Spec> extends keyof HTMLElementTagNameMap ? HTMLElementTagNameMap[TagOf<Spec>] : HTMLElement} ElementOf
 */

/** @typedef {Record<string, any> | null} Attributes attributes by name, and listeners as onclick */

const SVG = 'http://www.w3.org/2000/svg';

// el('p.note', {id: 'x', onclick: f}, 'text', node, …): an element with classes, attributes or listeners, and children.
// Attribute names are always ours; whatever comes from data is a child or an attribute's value, so it stays text.
/**
 * @template {string} Spec
 * @param {Spec} spec
 * @param {Attributes} [attributes]
 * @param {...any} children
 * @returns {ElementOf<Spec>}
 */
export const el = (spec, attributes, ...children) => build((tag) => document.createElement(tag), spec, attributes, children);

/**
 * As `el`, for the elements of a drawing.
 * @param {string} spec
 * @param {Attributes} [attributes]
 * @param {...any} children
 * @returns {SVGElement}
 */
export const svg = (spec, attributes, ...children) => build((tag) => document.createElementNS(SVG, tag), spec, attributes, children);

const build = (make, spec, attributes, children) => {
  const [tag, ...classes] = spec.split('.');
  const node = make(tag);
  if (classes.length) node.setAttribute('class', classes.join(' '));
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, '');
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, String(value));
  }
  return fill(node, children);
};

/**
 * Appends children: nodes, texts, or lists of them; null, undefined and false are left out.
 * @template {Node} T
 * @param {T} node
 * @param {any} children
 * @returns {T}
 */
export const fill = (node, children) => {
  for (const child of [children].flat(4)) {
    if (child === null || child === undefined || child === false) continue;
    node.appendChild(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return node;
};

/**
 * The element that a component draws into.
 * @param {Component} component
 * @returns {HTMLElement}
 */
export const rootOf = ({ element }) => element.querySelector('.cope') || element;

/**
 * Calls paint(data) now and whenever the server sends another value; data is the value's JSON.
 * @param {Component} component
 * @param {(data: any) => void} paint
 */
export const draw = ({ props, watch }, paint) => {
  const run = () => {
    let data;
    try { data = JSON.parse(props.value || 'null'); } catch { data = null; }
    if (data !== null) paint(data);
  };
  run();
  watch('value', run);
};

/**
 * A number with its sign.
 * @param {number} x
 * @param {number} [digits]
 */
export const signed = (x, digits = 1) => {
  const text = Math.abs(x).toFixed(digits);
  return Number(text) === 0 ? text : (x < 0 ? '\u2212' : '+') + text;
};

/**
 * @param {number} n
 * @param {string} one
 * @param {string} many
 */
export const plural = (n, one, many) => `${n}\u00a0${n === 1 ? one : many}`;

/**
 * A duration in words.
 * @param {number} s
 */
export const seconds = (s) => {
  if (s < 1.5) return 'a second';
  if (s < 90) return `${Math.round(s)}\u00a0seconds`;
  return `${Math.round(s / 60)}\u00a0minutes`;
};

/**
 * Names of the paper in a plain text, as V_head or π_user, set as they are in a formula.
 * @param {string} text
 * @returns {any[]} children for `el`
 */
export const formula = (text) => text.split(/(V_head|π_user|π_base)/).map((part, at) => {
  const [letter, under] = part.split('_');
  return at % 2 ? [el('i', {}, letter), el('sub', {}, under)] : part;
});
