/** What one looks at first: is it well, how much goes through it, who lags, what happened. */
import {ask, history, number, quantile, rate, remember} from "./api.js";
import {bytes, count, duration, exact, h, link, perSecond, spark} from "./dom.js";
import {brokerTable} from "./brokers.js";
import {groupTable} from "./groups.js";
import {eventList, merged} from "./events.js";

export const title = () => "Overview";
export const every = 2000;

export async function load(params, signal, state) {
  const overview = await ask("overview", {}, signal);
  remember(overview);
  state.turn = (state.turn || 0) + 1;
  if (!state.rest || state.turn % 5 === 0) {
    const [groups, events] = await Promise.all([
      ask("groups", {sort: "seconds", order: "falling", limit: 5}, signal), ask("events", {limit: 12}, signal)]);
    state.rest = {groups, events};
  }
  return {overview, ...state.rest};
}

const all = (brokers, name, label) => brokers.reduce((sum, b) => sum + (number(b, name, label) || 0), 0);

/** What is wrong, worst first: {kind, text}. */
export function troubles(overview) {
  const found = [], seen = new Set(), up = overview.brokers.filter((b) => b.answers);
  for (const broker of overview.brokers)
    if (!broker.answers)
      found.push({kind: "bad", text: `Broker ${broker.id} ` + (broker.fenced ? "is not heard of by the cluster." : `does not answer (${broker.why}).`)});
  for (const broker of up)
    for (const health of broker.health) {
      if (health.name === "stoppable") continue;
      for (const reason of health.reasons) {
        const text = health.name === "ready" ? `Broker ${broker.id} is not ready: ${reason.text}.` : reason.text + ".";
        if (reason.code === "broker" || seen.has(text)) continue;
        seen.add(text);
        found.push({kind: "bad", text: text[0].toUpperCase() + text.slice(1)});
      }
      if (health.left_out) found.push({kind: "bad", text: `Broker ${broker.id} tells of ${exact(health.left_out)} more.`});
    }
  const under = all(up, "drave_partitions_under_replicated");
  if (under) found.push({kind: "warn", text: `${exact(under)} partitions lack a replica that is in sync.`});
  for (const broker of up) {
    if (number(broker, "drave_disk_refusing") === 1) found.push({kind: "bad", text: `Broker ${broker.id} refuses records: its disk is full.`});
    const free = number(broker, "drave_disk_free_bytes") / number(broker, "drave_disk_size_bytes");
    if (free < 0.1) found.push({kind: "warn", text: `Broker ${broker.id} has ${Math.round(free * 100)} % of its disk left.`});
  }
  if (overview.metadata_leader < 0) found.push({kind: "bad", text: "No metadata leader is known: topics cannot be made, groups cannot move."});
  return found.sort((a, b) => (a.kind > b.kind) - (a.kind < b.kind));
}

function verdict(overview) {
  const found = troubles(overview), up = overview.brokers.filter((b) => b.answers);
  const led = all(up, "drave_partitions", "leader"), n = overview.brokers.length;
  if (!found.length)
    return h("div", {class: "state good"}, h("strong", {}, "All is well. "),
      `${n === 1 ? "The broker answers" : `All ${n} brokers answer`}; ${exact(led)} partitions have a leader and all their replicas in sync.`);
  const shown = found.slice(0, 12);
  return h("div", {class: "state " + (found.some((f) => f.kind === "bad") ? "bad" : "warn")},
    h("strong", {}, `${up.length} of ${n} brokers answer.`),
    h("ul", {}, shown.map((f) => h("li", {}, f.text)), found.length > shown.length && h("li", {}, `and ${found.length - shown.length} more`)));
}

function tile(name, value, more, values) {
  return h("div", {class: "tile"}, h("dt", {}, name), h("dd", {}, value, more && h("small", {}, " " + more)), values && spark(values));
}

export function view({overview, groups, events}) {
  const up = overview.brokers.filter((b) => b.answers), ids = up.map((b) => b.id);
  const sum = (name, label) => ids.reduce((total, id) => total + (rate(id, name, label) || 0), 0);
  const ready = history("drave_requests_total").length > 0;
  const flow = (name) => (ready ? perSecond(sum(name), bytes) : "…");
  const lag = all(up, "drave_replica_lag_entries");
  return [
    h("h1", {}, "Overview"),
    verdict(overview),
    h("dl", {class: "tiles"},
      tile("Written", flow("drave_received_bytes_total"), null, history("drave_received_bytes_total")),
      tile("Read", flow("drave_sent_bytes_total"), null, history("drave_sent_bytes_total")),
      tile("Requests", ready ? perSecond(sum("drave_requests_total"), count) : "…", null, history("drave_requests_total")),
      tile("Produce, 99 %", duration(quantile(ids, "drave_request_seconds", "produce", 0.99)), "or less"),
      tile("Disk sync, 99 %", duration(quantile(ids, "drave_journal_sync_seconds", undefined, 0.99)), "or less"),
      tile("Brokers", `${up.length}`, `of ${overview.brokers.length}`),
      tile("Topics", count(Math.max(0, ...up.map((b) => number(b, "drave_topics") || 0)))),
      tile("Partitions led", count(all(up, "drave_partitions", "leader")), `${count(all(up, "drave_partitions_under_replicated"))} not whole`),
      tile("Replicas behind", count(all(up, "drave_partitions_behind")), `${count(lag)} entries`),
      tile("Groups", exact(groups.all))),
    h("h2", {}, "Brokers"),
    brokerTable(overview),
    h("h2", {}, "Groups that are furthest behind"),
    groupTable(groups.groups, {}),
    groups.all > groups.groups.length && h("p", {}, link("groups", {}, `All ${exact(groups.all)} groups`)),
    h("h2", {}, "Lately"),
    eventList(merged(events).slice(0, 12)),
    h("p", {}, link("events", {}, "All events")),
  ];
}
