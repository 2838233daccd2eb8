// What the page's scripts say of methods of writing. The methods themselves come over the wire, in the first message of a
// comparison: decode/methods.py has a row of each.

/**
 * @typedef {object} Method
 * @property {string} label what a column of it is called
 * @property {string} about one sentence or two about a column of it
 * @property {'base' | 'user' | 'contrast' | 'given'} driver what decides the next token; given: the text was not decoded
 * @property {string} varies the column that it is a variation of; '' for the one on its left
 * @property {string} [amateur] the person who stands in the place of base
 * @property {boolean} optional whether it stands beside the columns that are always there
 */

/** The method that the page is about. */
export const MAIN_METHOD = 'cope';

/**
 * A method's row.
 * @param {Record<string, Method> | undefined} table of the comparison's first message
 * @param {string} name
 * @returns {Method} with its name as its label where the table has none
 */
export const findMethod = (table, name) => (table && Object.hasOwn(table, name) ? table[name]
  : { label: name, about: '', driver: 'user', varies: '', optional: false });

/** @param {string} who */
export const possessive = (who) => (who === 'you' ? 'your' : `${who}’s`);

/** About a further run of a method at other settings. @param {string} label @param {{ alpha: number, tau: number }} settings */
export const explainVariant = (label, { alpha, tau }) => `${label} once more, run with alpha ${alpha} and tau ${tau}.`;

/** About a column whose models were given a prompt of their own. @param {string} who */
export const explainOwnPrompt = (who) => `It holds texts of ${possessive(who)} history, and so do the JSON and HTML files saved here. All numbers of the column are given this prompt, under the bare model and under CoPe’s adapter, which reads along.`;
