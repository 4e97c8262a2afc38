/** One topic: its partitions, its records, its settings. */
import {admin, area, changeForm, choice, field, propose} from "./admin.js";
import {ask} from "./api.js";
import {bytes, count, exact, facts, h, link, pager, table, tag, word} from "./dom.js";
import {settingsTable} from "./settings.js";
import {ofTopic} from "./clients.js";
import * as produce from "./produce.js";
import * as records from "./records.js";

const LIMIT = 200;
export const title = ({name, tab}) => `${tab || "partitions"} of ${name}`;
export const every = ({tab}) => (tab && tab !== "clients" ? 0 : 4000);
export const keeps = (before, after) => before.name === after.name && before.tab === after.tab;

export async function load(params, signal, state) {
  if (params.tab === "config") return {config: await ask("config", {topic: params.name}, signal)};
  if (params.tab === "produce") return {produce: await ask("topic", {name: params.name, limit: 1}, signal)};
  if (params.tab === "records") return {records: await records.load(params, signal, state)};
  const topic = await ask("topic", {name: params.name, from: params.from, limit: LIMIT}, signal);
  measure(topic, state);
  return {topic};
}

/* What its leader does not know yet, of a partition younger than a minute, is told by two looks. */
function measure(topic, state) {
  const now = performance.now(), ends = new Map(topic.partitions.filter((p) => p.end !== undefined).map((p) => [p.partition, BigInt(p.end)]));
  if (!state.first || state.first.from !== topic.from) state.first = {at: now, from: topic.from, ends};
  const seconds = (now - state.first.at) / 1000;
  for (const p of topic.partitions)
    if (p.produced_per_second === null && seconds > 1 && state.first.ends.has(p.partition) && ends.has(p.partition))
      p.produced_per_second = Number(ends.get(p.partition) - state.first.ends.get(p.partition)) / seconds;
}

function tabs(params) {
  const tab = (name, text) => link("topic", {name: params.name, tab: name}, text);
  const all = [["", "Partitions"], ["records", "Records"], ["config", "Settings"], ["clients", "Clients"], admin.on && ["produce", "Produce"]].filter(Boolean);
  return h("nav", {class: "tabs", "aria-label": "Of this topic"}, all.map(([name, text]) => {
    const a = tab(name, text);
    if ((params.tab || "") === name) a.setAttribute("aria-current", "page");
    return a;
  }));
}

function replicas(partition) {
  return partition.replicas.map((id, i) => {
    const whole = partition.in_sync.includes(id);
    return [i ? ", " : "", whole ? `${id}` : h("span", {class: "bad-text", title: partition.offline.includes(id) ? "its broker is away" : "not in sync"}, `${id} ✗`)];
  });
}

const deletion = (topic, params) => h("p", {}, h("button", {type: "button", onclick: () =>
  propose(`Delete ${params.name}`, "delete-topic", {name: params.name}, {name: params.name, done: () => { location.hash = "#/topics"; }})}, "Delete this topic"));

/** More partitions, and another leader for one of them. */
function placing(topic, params, tools) {
  const {state} = tools, led = topic.partitions.filter((p) => p.replicas.length > 1);
  const chosen = led.find((p) => String(p.partition) === state.moved) || led[0];
  const choose = (event) => { state.moved = event.target.value; tools.redraw(); };
  return [
    changeForm("Add partitions", "add-partitions", {topic: params.name},
      field("more", "How many more", {inputmode: "numeric", pattern: "[0-9]+", required: true}), {done: tools.again}),
    chosen && changeForm("Move a leader", "move-leader", {topic: params.name}, [
      choice("partition", "Partition", led.map((p) => [p.partition, `${p.partition}`]), chosen.partition, choose),
      choice("to", "To broker", chosen.replicas.filter((id) => id !== chosen.leader).map((id) => [id, `${id}`])),
    ], {done: tools.again, open: state.moved !== undefined}),
  ];
}

function settings(config, params, tools) {
  return [settingsTable(config.settings),
    admin.on && changeForm("Change settings", "settings", {topic: params.name},
      area("settings", "A line NAME=VALUE each; NAME alone goes back to its default", 4, "retention.ms=604800000"), {done: tools.again}),
    h("p", {}, "On the command line: ", h("code", {class: "mono"}, `drave config get topic:${params.name} --all`))];
}

function partitions(topic, params, tools) {
  const sum = topic.partitions.reduce((all, p) => all + (p.end === undefined ? 0n : BigInt(p.end) - BigInt(p.start)), 0n);
  const size = topic.partitions.reduce((all, p) => all + (p.bytes > 0 ? Number(p.bytes) : 0), 0);
  const busiest = topic.partitions.reduce((most, p) => (p.produced_per_second > (most ? most.produced_per_second : 0) ? p : most), null);
  const whole = topic.total === topic.partitions.length;
  return [
    facts([["Partitions", exact(topic.total)], [whole ? "Records" : "Records, of those shown", exact(sum)],
      ["Stored by leaders", bytes(size)], ["Id", h("span", {class: "mono"}, topic.id)],
      busiest && topic.partitions.length > 1 && ["Busiest", `partition ${busiest.partition}: ${count(busiest.produced_per_second)} of ${count(topic.partitions.reduce((all, p) => all + (p.produced_per_second || 0), 0))} a second`], topic.internal && ["Kind", "internal"]]),
    table([{title: "Partition", class: "n"}, {title: "Leader", class: "n"}, {title: "Replicas"}, {title: "Epoch", class: "n"}, {title: "Start", class: "n"}, {title: "End", class: "n"},
      {title: "Records", class: "n"}, {title: "In, per second", class: "n"}, {title: "Stored", class: "n"}, {title: "Readers", class: "n"}],
    topic.partitions.map((p) => ({key: p.partition, cells: [
      link("topic", {name: params.name, tab: "records", partition: p.partition}, String(p.partition)),
      p.leader < 0 ? tag("bad", "none") : p.leader, replicas(p), exact(p.leader_epoch), exact(p.start), exact(p.end),
      p.end === undefined ? "–" : exact(BigInt(p.end) - BigInt(p.start)), count(p.produced_per_second), bytes(p.bytes), exact(p.readers)]})),
    {caption: "Partitions"}),
    pager("topic", params, {from: topic.from, shown: topic.partitions.length, total: topic.total, limit: LIMIT}),
    h("p", {}, "On the command line: ", h("code", {class: "mono"}, `drave topic describe ${word(params.name)}`)),
    admin.on && !topic.internal && placing(topic, params, tools),
    admin.on && !topic.internal && deletion(topic, params),
  ];
}

export function view(data, params, tools) {
  return [
    h("p", {class: "crumb"}, link("topics", {}, "Topics")),
    h("h1", {}, params.name),
    tabs(params),
    data.config ? settings(data.config, params, tools) : data.produce ? produce.view(data.produce, params, tools) : data.records ? records.view(data.records, params, tools) : params.tab === "clients" ? ofTopic(data.topic, params.name) : partitions(data.topic, params, tools),
  ];
}
