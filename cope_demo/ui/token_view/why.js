// Why this token: one plain sentence, made from the step's numbers. Every method decides differently, so each has its own.

const why = (model, method, index) => {
  const token = model.columns[method].tokens[index];
  const { who } = model.run;
  const said = wordOf(token);
  if (!token.alternatives.length) return `${said}: ${chances(token, who)}.`;
  const fork = model.forks(method).find((one) => one.at === index);
  if (fork?.forced) return `You put ${said} here${fork.was ? ` in place of ${wordOf(fork.was)}` : ''}: ${chances(token, who)}.`;
  if (GIVEN.includes(method)) return scored(token, who, said);
  if (model.drawn(method)) return lot(token, method, who, said);
  if (GENERAL.includes(method)) return byBase(token, who, said, model.prompt(method) === null ? 'in general' : 'for base with these texts in its prompt');
  return model.contrasts(method) ? byContrast(model, method, index, token, who, said) : byPerson(token, who, said);
};

const chances = (token, who) => `${percent(token.logp_user)} for ${who}, ${percent(token.logp_base)} in general`;
const most = (token, by) => token.alternatives.reduce((best, other) => (other[by] > best[by] ? other : best), token);
const setBack = (other) => other.expert < other.logp_user - 0.01; // the penalty took from it

const scored = (token, who, said) => {
  const gain = token.logp_user - token.logp_base;
  const verdict = gain >= 0.25 ? `which speaks for ${who}` : gain <= -0.25 ? `which speaks against ${who}` : 'which says little either way';
  return `${said} has ${chances(token, who)}, ${verdict}.`;
};

const lot = (token, method, who, said) => {
  const best = most({ ...token, alternatives: token.alternatives.filter((other) => other.in_head) }, 'score');
  const among = `${plural(token.head_size, 'plausible token', 'plausible tokens')}`;
  return best.id === token.id
    ? `The lot fell on ${said}, the best of ${among}: ${chances(token, who)}.`
    : `The lot fell on ${said} (${chances(token, who)}), out of ${among}; ${quoted(best.text)} would have been the best.`;
};

const byBase = (token, who, said, where) => {
  const first = most(token, 'logp_base');
  const wished = most(token, 'logp_user');
  const rather = wished.id === token.id ? 'the favourite there as well' : `where ${quoted(wished.text)} is the favourite`;
  if (first.id !== token.id) {
    return `${quoted(first.text)} was likelier ${where} at ${percent(first.logp_base)}, but the repetition penalty set it back, so base took ${said} at ${percent(token.logp_base)}.`;
  }
  return `${said} was the likeliest ${where} at ${percent(token.logp_base)}; for ${who} it has ${percent(token.logp_user)}, ${rather}.`;
};

const byPerson = (token, who, said) => {
  const first = most(token, 'logp_user');
  if (first.id !== token.id) {
    return `${quoted(first.text)} was likelier for ${who} at ${percent(first.logp_user)}, but the repetition penalty set it back, so ${said} at ${percent(token.logp_user)} was taken.`;
  }
  return `${said} was the likeliest for ${who} at ${percent(token.logp_user)}; in general it has ${percent(token.logp_base)}, and base had no say.`;
};

const byContrast = (model, method, index, token, who, said) => {
  const { alpha, tau } = model.settings(method, index);
  const p = percent(token.logp_user);
  const q = percent(token.logp_base);
  const favourite = model.favourite(token);
  // What would have won if no token had been set back: the same rule on the log-probabilities as they were.
  const unpenalized = { ...token, expert: token.logp_user, alternatives: token.alternatives.map((other) => ({ ...other, expert: other.logp_user })) };
  const without = model.run.header.repetition_penalty > 1 ? model.winner(unpenalized, alpha, tau) : token;
  if (without.id !== token.id) {
    const because = setBack(token.alternatives.find((other) => other.id === without.id)) ? ', which had been used before,' : '';
    return `The repetition penalty decided: without it ${quoted(without.text)}${because} would have won (${chances(without, who)}); so it was ${said} with ${p} for ${who} and ${q} in general.`;
  }
  if (favourite.id !== token.id) {
    const first = quoted(favourite.text);
    if (rank(token, 'expert').exact && !token.alternatives.some(setBack)) {
      return `${said} was ${ordinal(rank(token, 'expert').at)} for ${who} at ${p}, but only ${q} in general, so contrast chose it over ${first} (${percent(favourite.logp_user)}, ${percent(favourite.logp_base)} in general).`;
    }
    const after = token.alternatives.some(setBack) ? ' after the repetition penalty' : '';
    return `${said} was behind ${first} for ${who}${after}, ${percent(token.expert)} against ${percent(favourite.expert)}, but in general it has only ${q} against ${percent(favourite.logp_base)}, so contrast chose it.`;
  }
  if (token.head_size === 1) return `${said} was the only plausible token: ${p} for ${who}, and nothing else reached ${percent(Math.log(tau))} of that, so contrast had no say.`;
  if (alpha === 0) return `${said} was first for ${who} at ${p}; at alpha 0 nothing is subtracted, so the favourite wins.`;
  if (most(token, 'logp_base').id === token.id) return `${said} was first for ${who} at ${p} and first in general at ${q}: no other plausible token gained enough from contrast.`;
  if (token.logp_user >= token.logp_base) return `${said} was first for ${who} at ${p} and has only ${q} in general, so contrast confirmed it.`;
  return `${said} was first for ${who} at ${p}, far enough ahead to win although it is commoner in general (${q}).`;
};

// The alternatives that one model liked most, best first.
const liked = (token, by, count = 3) => [...token.alternatives].sort((a, b) => b[by] - a[by]).slice(0, count);
