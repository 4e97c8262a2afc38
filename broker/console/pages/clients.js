/** Who is connected, and who of them produces to a topic and reads it. */
import {ask} from "./api.js";
import {bytes, count, duration, exact, h, link, pager, table} from "./dom.js";
import {search, sorter} from "./topics.js";

const LIMIT = 100;
export const title = () => "Clients";
export const every = 4000;
export const keeps = () => true;

export const load = (params, signal) => ask("clients", {...params, limit: LIMIT}, signal);

const ago = (ms) => (ms < 0 ? "–" : duration(ms / 1000) + " ago");

export function view(data, params) {
  return [
    h("h1", {}, "Clients"),
    h("div", {class: "filters"}, search("clients", params, "Name, software or address has")),
    data.missing.length > 0 && h("div", {class: "state warn"}, `Not all clients of broker ${data.missing.join(", ")} are here.`),
    table([{title: "Client", class: "name", sort: "name"}, {title: "Software", class: "name"}, {title: "Address"}, {title: "Broker", class: "n"}, {title: "Connected", class: "n"},
      {title: "Requests", class: "n", sort: "requests"}, {title: "Errors", class: "n", sort: "errors"}, {title: "Received", class: "n", sort: "received"}, {title: "Sent", class: "n", sort: "sent"}, {title: "Last asked"}],
    data.clients.map((c) => ({key: `${c.broker}-${c.id}`, cells: [
      c.client_id || h("span", {class: "dim"}, "without a name"), c.software ? `${c.software} ${c.version || ""}` : h("span", {class: "dim"}, "not said"), h("span", {class: "mono"}, c.peer),
      link("brokers", {id: c.broker}, String(c.broker)), duration(c.connected_ms / 1000), count(c.requests), c.errors ? h("span", {class: "warn-text"}, exact(c.errors)) : "0",
      bytes(c.received_bytes), bytes(c.sent_bytes), c.last ? `${c.last}, ${ago(c.request_ms)}` : "nothing"]})),
    {caption: "Clients", sort: params.sort || "name", order: params.order, onSort: sorter("clients", params, "name"), empty: data.all ? "No client is like that." : "Nobody is connected."}),
    pager("clients", params, {from: data.from, shown: data.clients.length, total: data.total, limit: LIMIT}),
    h("p", {}, "On the command line: ", h("code", {class: "mono"}, "drave client list")),
  ];
}

/* Of several partitions one row for each client. */
function gathered(partitions, list) {
  const all = new Map();
  for (const p of partitions)
    for (const one of p[list] || []) {
      const key = one.client_id + " " + one.peer, have = all.get(key) || {...one, key, records: 0, batches: 0, bytes: 0, partitions: []};
      for (const name of ["records", "batches", "bytes"]) have[name] += one[name] || 0;
      have.seen_ms = Math.min(have.seen_ms, one.seen_ms);
      have.partitions.push(p.partition);
      all.set(key, have);
    }
  return [...all.values()].sort((a, b) => b.bytes - a.bytes || a.seen_ms - b.seen_ms);
}

const few = (list) => list.slice(0, 12).join(", ") + (list.length > 12 ? " …" : "");

/** Of one topic, as the leaders of the partitions that are shown remember them. */
export function ofTopic(topic, name) {
  const shown = topic.partitions, client = (one) => [one.client_id || "without a name", " ", h("span", {class: "mono dim"}, one.peer)];
  return [
    h("h2", {}, "Who produces"),
    table([{title: "Client", class: "name"}, {title: "Partitions", class: "name"}, {title: "Records", class: "n"}, {title: "Bytes", class: "n"}, {title: "A batch has", class: "n"}, {title: "Last", class: "n"}],
      gathered(shown, "producing").map((one) => ({key: one.key, cells: [client(one), few(one.partitions), count(one.records), bytes(one.bytes), bytes(one.bytes / Math.max(1, one.batches)), ago(one.seen_ms)]})),
      {caption: "Who produces", empty: "Nobody has lately."}),
    h("h2", {}, "Who reads"),
    table([{title: "Client", class: "name"}, {title: "Partitions", class: "name"}, {title: "Last", class: "n"}],
      gathered(shown, "reading").map((one) => ({key: one.key, cells: [client(one), few(one.partitions), ago(one.seen_ms)]})), {caption: "Who reads", empty: "Nobody has lately."}),
    h("p", {class: "dim"}, `Of each partition the last eight of both${topic.total > shown.length ? `; of the first ${exact(shown.length)} partitions` : ""}.`),
    h("p", {}, "On the command line: ", h("code", {class: "mono"}, `drave client list ${name}`)),
  ];
}
