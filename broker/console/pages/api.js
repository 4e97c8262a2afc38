/** What the broker tells: /api/, read with fetch, and rates out of two looks at counters. */

export class Refused extends Error {}

export async function ask(route, params, signal) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params || {}))
    if (value !== null && value !== undefined && value !== "") query.set(name, value);
  const response = await fetch("/api/" + route + (query.size ? "?" + query : ""), {signal});
  const text = await response.text();
  let told;
  try { told = JSON.parse(text); } catch { throw new Refused(text.trim() || `status ${response.status}`); }
  if (!response.ok) throw new Refused(told.error ? told.error.text : `status ${response.status}`);
  return told;
}

/* ---- Numbers of a broker ---- */

const samplesOf = (broker, name) => (broker && broker.metrics && broker.metrics[name] ? broker.metrics[name].samples : []);

/** The sum of the samples, of those with that first label if it is given; NaN: none is told. */
export function number(broker, name, label) {
  const samples = samplesOf(broker, name).filter((s) => label === undefined || (s.labels && s.labels[0] === label));
  return samples.length ? samples.reduce((sum, s) => sum + s.value, 0) : NaN;
}

const LOOKS = 90;
const looks = []; /* of the overview, the oldest first; kept while this page is open */

export function remember(overview) {
  looks.push({at: performance.now(), overview});
  if (looks.length > LOOKS) looks.shift();
}

const brokerIn = (look, id) => look.overview.brokers.find((b) => b.id === id && b.answers);

/** The last look, and the one about ten seconds before it. */
function pair(id) {
  const now = looks[looks.length - 1];
  const before = looks.findLast((look) => now.at - look.at >= 9000) || looks[0];
  if (!now || before === now) return null;
  const [a, b] = [brokerIn(before, id), brokerIn(now, id)];
  return a && b && b.uptime_ms >= a.uptime_ms ? {a, b, seconds: (now.at - before.at) / 1000} : null;
}

export function rate(id, name, label) {
  const two = pair(id);
  return two ? Math.max(0, number(two.b, name, label) - number(two.a, name, label)) / two.seconds : NaN;
}

/** The bound that so many of the calls since then stayed below; NaN: there were none. */
export function quantile(ids, name, label, part) {
  let bounds = null, counts = null;
  for (const id of ids) {
    const two = pair(id);
    if (!two) continue;
    const of = (broker) => samplesOf(broker, name).find((s) => label === undefined || (s.labels && s.labels[0] === label));
    const [a, b] = [of(two.a), of(two.b)];
    if (!a || !b || !a.counts || a.counts.length !== b.counts.length) continue;
    bounds = two.b.metrics[name].bounds;
    counts = b.counts.map((n, i) => n - a.counts[i] + (counts ? counts[i] : 0));
  }
  const all = counts ? counts.reduce((x, y) => x + y, 0) : 0;
  if (all <= 0) return NaN;
  let seen = 0;
  for (let i = 0; i < counts.length; i++) {
    seen += counts[i];
    if (seen >= all * part) return i < bounds.length ? bounds[i] : Infinity;
  }
  return NaN;
}

/** A rate of all brokers over the looks that there are, for a small chart. */
export function history(name) {
  const values = [];
  for (let i = 1; i < looks.length; i++) {
    const seconds = (looks[i].at - looks[i - 1].at) / 1000;
    let sum = 0;
    for (const broker of looks[i].overview.brokers) {
      const before = brokerIn(looks[i - 1], broker.id);
      if (before && broker.answers) sum += Math.max(0, number(broker, name) - number(before, name)) / seconds || 0;
    }
    values.push(sum);
  }
  return values;
}
