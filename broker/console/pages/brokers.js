/** Brokers, the links between them, and the settings of one. */
import {admin, propose} from "./admin.js";
import {ask, number, quantile, rate, remember} from "./api.js";
import {bar, bytes, count, duration, exact, facts, h, link, perSecond, table, tag} from "./dom.js";
import {settingsTable} from "./settings.js";

export const title = ({id}) => (id ? `Broker ${id}` : "Brokers");
export const every = 3000;
export const keeps = (before, after) => before.id === after.id;

export async function load(params, signal, state) {
  const overview = await ask("overview", {}, signal);
  remember(overview);
  if (params.id && !state.config) state.config = await ask("config", {broker: params.id}, signal);
  return {overview, config: state.config};
}

function state(broker) {
  if (broker.fenced) return tag("bad", "away");
  if (!broker.answers) return tag("bad", "no answer");
  const ready = broker.health.find((health) => health.name === "ready");
  return ready && !ready.ok ? tag("warn", "not ready") : tag("good", "up");
}

function disk(broker) {
  const size = number(broker, "drave_disk_size_bytes"), free = number(broker, "drave_disk_free_bytes");
  if (!(size > 0)) return "–";
  const used = 1 - free / size;
  return [bar(size - free, size, used > 0.95 ? "bad" : used > 0.85 ? "warn" : ""), bytes(free) + " free"];
}

function memory(broker) {
  const limits = (broker.metrics && broker.metrics.drave_memory_limit_bytes) || {samples: []};
  const parts = limits.samples.map((s) => [number(broker, "drave_memory_bytes", s.labels[0]) / s.value, s.labels[0]]).filter(([part]) => part >= 0);
  if (!parts.length) return "–";
  const [part, name] = parts.reduce((a, b) => (b[0] > a[0] ? b : a));
  return h("span", {title: `the fullest budget: ${name}`}, Math.round(part * 100) + " %");
}

export function brokerTable(overview) {
  return table([
    {title: "Broker", class: "name"}, {title: "State"}, {title: "In", class: "n"}, {title: "Out", class: "n"}, {title: "Produce 99 %", class: "n"},
    {title: "Sync 99 %", class: "n"}, {title: "Leads", class: "n"}, {title: "Replicas", class: "n"}, {title: "Behind", class: "n"},
    {title: "Clients", class: "n"}, {title: "Memory", class: "n"}, {title: "Disk"}],
  overview.brokers.map((broker) => ({key: broker.id, cells: [
    [link("brokers", {id: broker.id}, `${broker.id}`), h("span", {class: "dim"}, ` ${broker.host}:${broker.port}`),
      broker.id === overview.metadata_leader && h("span", {class: "dim", title: "leads the metadata of the cluster"}, " ★")],
    state(broker),
    perSecond(rate(broker.id, "drave_received_bytes_total"), bytes), perSecond(rate(broker.id, "drave_sent_bytes_total"), bytes),
    duration(quantile([broker.id], "drave_request_seconds", "produce", 0.99)),
    duration(quantile([broker.id], "drave_journal_sync_seconds", undefined, 0.99)),
    count(number(broker, "drave_partitions", "leader")), count(number(broker, "drave_partitions")),
    count(number(broker, "drave_partitions_behind")), count(number(broker, "drave_connections")), memory(broker), disk(broker)]})),
  {caption: "Brokers"});
}

/** Who sees whom, and what each peer lacks of what a broker leads. */
function replication(overview) {
  const ids = overview.brokers.map((b) => b.id);
  if (ids.length < 2) return null;
  return [h("h2", {}, "Replication"), h("p", {class: "dim"}, "What a broker (column) lacks of what another leads (row), in log entries."),
    table([{title: "Leads", class: "name"}, ...ids.map((id) => ({title: `to ${id}`, class: "n"}))],
      overview.brokers.map((broker) => ({key: broker.id, cells: [`Broker ${broker.id}`, ...ids.map((id) => {
        if (id === broker.id) return h("span", {class: "dim"}, "itself");
        if (!broker.answers) return "–";
        const lag = number(broker, "drave_replica_lag_entries", String(id));
        return number(broker, "drave_peer_up", String(id)) === 1 ? count(lag) : [tag("bad", "no link"), " " + count(lag)];
      })]})), {caption: "Replication"})];
}

const draining = (broker, undo, text) => h("button", {type: "button", onclick: () =>
  propose(`${text}: ${broker.id}`, "drain", {broker: broker.id, ...(undo ? {undo} : {})})}, text);

function one(overview, config, id) {
  const broker = overview.brokers.find((b) => String(b.id) === id);
  if (!broker) return [h("h1", {}, `Broker ${id}`), h("p", {}, "The cluster has no such broker.")];
  const judged = (name) => broker.health && broker.health.find((x) => x.name === name);
  const stop = judged("stoppable");
  return [
    h("p", {class: "crumb"}, link("brokers", {}, "Brokers")),
    h("h1", {}, `Broker ${broker.id}`),
    facts([["State", state(broker)], ["Address", `${broker.host}:${broker.port}`], broker.rack && ["Rack", broker.rack],
      ["Version", broker.version || "–"], ["Up for", duration(broker.uptime_ms / 1000)], ["Resident memory", bytes(number(broker, "process_resident_memory_bytes"))],
      ["Journal", `${bytes(number(broker, "drave_journal_live_bytes"))} of ${bytes(number(broker, "drave_journal_limit_bytes"))}`]]),
    stop && h("div", {class: "state " + (stop.ok ? "good" : "warn")},
      stop.ok ? "It may be stopped: each of its partitions keeps a majority in sync without it." : "Do not stop it now:",
      !stop.ok && h("ul", {}, stop.reasons.slice(0, 10).map((r) => h("li", {}, r.text)), stop.reasons.length > 10 && h("li", {}, "and more"))),
    h("p", {}, "On the command line: ", h("code", {class: "mono"}, `drave broker stoppable ${broker.id}`)),
    admin.on && h("p", {class: "buttons"}, draining(broker, "", "Drain this broker"), " ", draining(broker, "1", "Let it get replicas again")),
    h("h2", {}, "Settings"), config ? settingsTable(config.settings) : null,
  ];
}

export function view({overview, config}, params) {
  if (params.id) return one(overview, config, params.id);
  return [h("h1", {}, "Brokers"), h("p", {class: "dim"}, `Cluster ${overview.cluster_id}; this page comes from broker ${overview.served_by}. `, link("meta", {}, "The metadata as a tree")),
    brokerTable(overview), replication(overview), h("h2", {}, "Elections"), electionTable(overview)];
}

function electionTable(overview) {
  const causes = new Set(), rows = [];
  for (const broker of overview.brokers)
    for (const s of (broker.metrics && broker.metrics.drave_elections_total ? broker.metrics.drave_elections_total.samples : [])) causes.add(s.labels[0]);
  for (const broker of overview.brokers)
    if (broker.answers) rows.push({key: broker.id, cells: [`Broker ${broker.id}`, ...[...causes].map((c) => exact(number(broker, "drave_elections_total", c)))]});
  return table([{title: "Since its start", class: "name"}, ...[...causes].map((c) => ({title: c, class: "n"}))], rows, {caption: "Elections", empty: "No broker answers."});
}
