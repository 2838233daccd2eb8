// Predict, then reveal: what a reader of a lesson guessed, and how many of a class put up their hands. Numbers only, kept in
// this browser and sent nowhere.

const KEY = 'cope-predictions';
const MOST = 999; // hands

// Where a browser forbids it, the answers last as long as the page.
const browserStorage = () => {
  try {
    return localStorage;
  } catch {
    return { getItem: () => null, setItem() {}, removeItem() {} };
  }
};

const isId = (value) => Number.isInteger(value) && value >= 0;
/**
 * A count of hands as somebody types it: a whole number from 0 to 999.
 * @param {unknown} value
 */
export const readCount = (value) => Math.max(0, Math.min(MOST, Math.floor(Number(value)) || 0));

/** @typedef {{ guess: number | null, hands: Record<string, number> }} Answer guess: a token's id; hands: counts by token id */

export class Predictions {
  /** @param {Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>} [storage] */
  constructor(storage = browserStorage()) {
    this.storage = storage;
    /** @type {Record<string, Answer>} by "lesson/step" */
    this.answers = {};
    try {
      // Whatever else lies under the key is left out, entry by entry.
      for (const [key, value] of Object.entries(JSON.parse(storage.getItem(KEY)) || {})) this.answers[key] = clean(value);
    } catch { /* nothing that can be read */ }
  }

  /** @param {string} lesson @param {number} step @returns {Answer} */
  find(lesson, step) {
    return this.answers[`${lesson}/${step}`] || { guess: null, hands: {} };
  }

  /** @param {string} lesson @param {number} step @param {number} id the token that the reader expects */
  guess(lesson, step, id) {
    this.keep(lesson, step, { ...this.find(lesson, step), guess: id });
  }

  /** @param {string} lesson @param {number} step @param {number} id @param {unknown} count as typed */
  count(lesson, step, id, count) {
    const answer = this.find(lesson, step);
    this.keep(lesson, step, { ...answer, hands: { ...answer.hands, [id]: readCount(count) } });
  }

  /** All answers to all lessons. */
  forget() {
    this.answers = {};
    try { this.storage.removeItem(KEY); } catch { /* then there was nothing */ }
  }

  keep(lesson, step, answer) {
    this.answers[`${lesson}/${step}`] = answer;
    try { this.storage.setItem(KEY, JSON.stringify(this.answers)); } catch { /* a full storage keeps nothing */ }
  }
}

/** @returns {Answer} */
const clean = (value) => {
  const hands = Object.entries(value?.hands || {}).filter(([id, count]) => isId(Number(id)) && isId(count));
  return { guess: isId(value?.guess) ? value.guess : null, hands: Object.fromEntries(hands.map(([id, count]) => [id, readCount(count)])) };
};

/**
 * The hands of a class, by option: its count, and its share of all hands, 0 where none was counted.
 * @param {Record<string, number>} hands
 * @param {number[]} ids the options
 */
export const tally = (hands, ids) => {
  const all = ids.reduce((sum, id) => sum + (hands[id] || 0), 0);
  return ids.map((id) => ({ id, count: hands[id] || 0, share: all ? (hands[id] || 0) / all : 0 }));
};

/**
 * Whether the reader is asked before a step of a lesson shows its decision: step mode at its end, where contrast decides.
 * @param {import('./model.js').Model} model
 * @param {{ show?: string, phase?: number, method?: string, index?: number }} step
 */
export const asks = (model, step) => step.show === 'steps' && step.phase === 3 && model.contrasts(step.method) && listOptions(model, step).length > 1;

/**
 * What there is to guess from: the winner, the person's favourite, base's, and the next likeliest for the person up to four,
 * in the person's order.
 * @param {import('./model.js').Model} model
 * @param {{ method?: string, index?: number }} step
 * @returns {import('./token.js').Candidate[]}
 */
export const listOptions = (model, { method, index }) => {
  const token = model.columns[method].tokens[index];
  const byExpert = [...token.alternatives].sort((a, b) => b.expert - a.expert);
  if (!byExpert.length) return [];
  const byBase = byExpert.reduce((best, other) => (other.logp_base > best.logp_base ? other : best));
  const chosen = new Set([token.id, byExpert[0].id, byBase.id]);
  for (const other of byExpert) if (chosen.size < 4 && other.in_head) chosen.add(other.id);
  return byExpert.filter((other) => chosen.has(other.id));
};
