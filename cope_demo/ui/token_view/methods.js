// All that the page's scripts know about the methods of writing: one table, and what follows from it.

/**
 * @typedef {object} Method
 * @property {string} name what a column of it is called
 * @property {'base' | 'person' | 'contrast' | 'nothing'} decides who chooses the next token; nothing: the text was given
 * @property {string} explains one sentence or two; {who} and {whose} stand for the person
 * @property {string} [comparedWith] the method that it is a variation of, where that is not the column on its left
 */

/** @type {Record<string, Method>} */
const TABLE = {
  greedy: {
    name: 'Base, greedy', decides: 'base',
    explains: 'The model before it saw {whose} texts. Each time it takes the word it finds likeliest.',
  },
  oppu: { name: 'OPPU', decides: 'person', explains: 'The model after training on {whose} texts. It takes its likeliest word.' },
  cope: {
    name: 'CoPe', decides: 'contrast',
    explains: 'Of the words plausible for {who}, the one {who} would choose and the base model would not.',
  },
  base: {
    name: 'Base without task adapter', decides: 'base', comparedWith: 'greedy',
    explains: 'The bare model, without the task adapter that is part of base elsewhere. It takes its likeliest word.',
  },
  rag: {
    name: 'RAG', decides: 'base', comparedWith: 'greedy',
    explains: 'The bare model, untrained, with {whose} most similar texts in its prompt. It takes its likeliest word.',
  },
  pag: {
    name: 'PAG', decides: 'base', comparedWith: 'greedy',
    explains: 'As RAG, and with a profile in its prompt that the model wrote from {whose} texts.',
  },
  'oppu+cd': {
    name: 'OPPU with contrast', decides: 'contrast', comparedWith: 'oppu',
    explains: 'The same adapter as OPPU’s; it writes by contrast.',
  },
  'oppu+dpo': {
    name: 'CoPe without contrast', decides: 'person', comparedWith: 'oppu',
    explains: 'The same adapter as CoPe’s, without contrast. It takes its likeliest word.',
  },
  score: { name: 'Your text', decides: 'nothing', explains: '' },
  a: { name: 'Text A', decides: 'nothing', explains: 'As it was given; nothing was decoded here.' },
  b: { name: 'Text B', decides: 'nothing', explains: 'As it was given; nothing was decoded here.' },
};

/** The columns that every comparison has, in their order. */
export const DEFAULT_METHODS = ['greedy', 'oppu', 'cope'];

/** The method that the page is about. */
export const MAIN_METHOD = 'cope';

/** @param {string} method @returns {Method | undefined} undefined for a name that is not in the table */
const lookUp = (method) => (Object.hasOwn(TABLE, method) ? TABLE[method] : undefined);

/** @param {string} method */
export const methodName = (method) => lookUp(method)?.name ?? method;

/** Whether base is subtracted. @param {string} method */
export const isContrast = (method) => lookUp(method)?.decides === 'contrast';

/** Whether base decides, and the personal model reads along. @param {string} method */
export const isDecidedByBase = (method) => lookUp(method)?.decides === 'base';

/** Whether the text was given, not decoded; its score is the reward. @param {string} method */
export const isGivenText = (method) => lookUp(method)?.decides === 'nothing';

/** @param {string} method @returns {string | undefined} the method that this one is a variation of */
export const comparedWith = (method) => lookUp(method)?.comparedWith;

/** @param {string} who */
export const possessive = (who) => (who === 'you' ? 'your' : `${who}’s`);

/**
 * What a column shows, in a sentence or two.
 * @param {string} method
 * @param {string} who
 */
export const explainMethod = (method, who) => (lookUp(method)?.explains ?? '')
  .replace(/\{(who|whose)\}/g, (_, name) => (name === 'who' ? who : possessive(who)));

/** The same for a further run of CoPe at other settings. @param {{ alpha: number, tau: number }} settings */
export const explainVariant = ({ alpha, tau }) => `CoPe once more, run with alpha ${alpha} and tau ${tau}.`;

/** About a column whose models were given a prompt of their own. @param {string} who */
export const explainOwnPrompt = (who) => `It holds texts of ${possessive(who)} history, and so do the JSON and HTML files saved here. All numbers of the column are given this prompt, under the bare model and under CoPe’s adapter, which reads along.`;
