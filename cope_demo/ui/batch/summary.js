// What many traces come to, without a page: the distribution of each method, and what contrast suppressed.

/** @typedef {import('./digest.js').Digest} Digest */

/** @typedef {{ method: string, tokens: number, mean: number, bins: Map<number, number> }} Spread */

/**
 * @param {Digest[]} digests
 * @returns {Spread[]} of every method, in the order in which they come
 */
export const spreadByMethod = (digests) => {
  /** @type {Map<string, { method: string, tokens: number, sum: number, bins: Map<number, number> }>} */
  const found = new Map();
  for (const [method, tokens, sum, bins] of digests.flatMap((one) => one.columns)) {
    if (!found.has(method)) found.set(method, { method, tokens: 0, sum: 0, bins: new Map() });
    const own = found.get(method);
    own.tokens += tokens;
    own.sum += sum;
    for (const [bin, count] of bins) own.bins.set(bin, (own.bins.get(bin) || 0) + count);
  }
  return [...found.values()].map(({ sum, ...own }) => ({ ...own, mean: own.tokens ? sum / own.tokens : 0 }));
};

/**
 * @typedef {object} Case one overruled favourite
 * @property {Digest} digest
 * @property {string} method
 * @property {number} index
 * @property {string} chosen
 * @property {string} favourite
 * @property {number} gain nats of score by which the chosen one was ahead
 * @property {[number, number, number, number]} logps of the chosen one for person and amateur, and of the favourite
 * @property {string} before
 */

/** @typedef {{ word: string, count: number, gain: number, cases: Case[] }} Suppressed gain: the cases' mean */

export const ORDERS = {
  count: { label: 'how often', by: (a, b) => b.count - a.count || b.gain - a.gain },
  gain: { label: 'gain', by: (a, b) => b.gain - a.gain || b.count - a.count },
  word: { label: 'word', by: (a, b) => (a.word.trim() < b.word.trim() ? -1 : 1) },
};

/**
 * The words that contrast passed over, each with its cases, the largest gain first.
 * @param {Digest[]} digests
 * @param {{ method?: string, order?: keyof typeof ORDERS, search?: string }} [choice] method: '' for all
 * @returns {Suppressed[]}
 */
export const listSuppressed = (digests, { method = '', order = 'count', search = '' } = {}) => {
  /** @type {Map<string, Suppressed>} */
  const found = new Map();
  const wanted = search.trim().toLowerCase();
  for (const digest of digests) {
    for (const [own, index, chosen, favourite, gain, a, b, c, d, before] of digest.overruled) {
      if ((method && own !== method) || (wanted && ![chosen, favourite].some((word) => word.toLowerCase().includes(wanted)))) continue;
      if (!found.has(favourite)) found.set(favourite, { word: favourite, count: 0, gain: 0, cases: [] });
      const row = found.get(favourite);
      row.count += 1;
      row.gain += gain;
      row.cases.push({ digest, method: own, index, chosen, favourite, gain, logps: [a, b, c, d], before });
    }
  }
  const rows = [...found.values()].map((row) => ({ ...row, gain: row.gain / row.count, cases: row.cases.sort((x, y) => y.gain - x.gain) }));
  return rows.sort(ORDERS[order].by);
};
