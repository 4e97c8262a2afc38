/** Records: from where, which ones, how far the search has come; nothing of them is ever more than text. */
import {admin} from "./admin.js";
import {ask} from "./api.js";
import {sendAgain} from "./produce.js";
import {bytes, clock, exact, h, payload, place, time} from "./dom.js";

const STEPS = 40; /* of a search, before somebody says to go on */
const KEPT = 1000; /* rows while following */
const asked = ["partition", "from", "offset", "time", "any", "key", "value", "header", "json", "limit"];

const wish = (params) => Object.fromEntries(asked.filter((name) => params[name]).map((name) => [name, params[name]]));
const newest = (params) => !params.from || params.from === "newest";
const filtered = (params) => ["any", "key", "value", "header", "json"].some((name) => params[name]);

function take(state, told) {
  state.found.push(...told.records);
  state.next = told.next;
  state.done = told.done;
  state.scanned += told.scanned_records;
  state.scannedBytes += told.scanned_bytes;
  state.partitions = told.partitions;
}

/** A search that finds little goes on by itself for a while; what it has found is shown meanwhile. */
async function read(params, signal, state) {
  const limit = Number(params.limit) || 50;
  const {from, offset, time: at, ...which} = wish(params);
  for (let step = 0; step < STEPS; step++) {
    const where = state.next ? {at: state.next} : {from, offset, time: at};
    take(state, await ask("records", {topic: params.name, ...which, ...where, limit: Math.max(1, limit - state.found.length % limit)}, signal));
    if (state.done || (newest(params) ? state.found.length >= limit : state.found.length > 0 && state.found.length % limit === 0)) break;
    if (state.redraw) state.redraw();
  }
}

/** Up to where each partition has been shown, from its end on: partition -> offset. */
function note(state, places) {
  for (const [partition, offset] of places) {
    const low = state.low.get(partition);
    if (low === undefined || offset < low) state.low.set(partition, offset);
  }
}

const older = (state) => state.partitions.filter((p) => !p.trouble && state.low.has(p.partition) && state.low.get(p.partition) > BigInt(p.start));

/** What stands before what is shown, of each partition as much. */
async function readOlder(params, signal, state) {
  const parts = older(state), limit = Number(params.limit) || 50, {from, offset, time: at, ...which} = wish(params);
  const share = BigInt(Math.ceil(limit / parts.length));
  const begin = parts.map((p) => {
    const low = state.low.get(p.partition), start = BigInt(p.start);
    return [p.partition, low - share > start ? low - share : start];
  });
  let places = begin;
  for (let step = 0; places.length > 0 && step < STEPS; step++) { /* an answer of large records ends before it has all */
    const told = await ask("records", {topic: params.name, ...which, at: places.map(([p, o]) => `${p}:${o}`).join(","), limit: Math.min(500, Number(share) * parts.length)}, signal);
    state.found.push(...told.records.filter((r) => BigInt(r.offset) < state.low.get(r.partition)));
    state.scanned += told.scanned_records;
    state.scannedBytes += told.scanned_bytes;
    places = told.partitions.filter((p) => !p.trouble && p.at !== "-1" && BigInt(p.at) < state.low.get(p.partition)).map((p) => [p.partition, p.at]);
  }
  note(state, begin);
}

export async function load(params, signal, state) {
  const query = JSON.stringify(wish(params));
  if (!state.total) {
    const topic = await ask("topic", {name: params.name, limit: 1}, signal);
    Object.assign(state, {total: topic.total, ids: topic.total});
  }
  if (state.query !== query) {
    if (state.follow) state.leave();
    Object.assign(state, {query, found: [], next: "", done: false, scanned: 0, scannedBytes: 0, partitions: [], follow: null, opened: {}, from: null, left: 0, low: new Map()});
    await read(params, signal, state);
    note(state, state.partitions.filter((p) => p.end >= "0").map((p) => [p.partition, BigInt(p.end)]));
    note(state, state.found.map((r) => [r.partition, BigInt(r.offset)]));
  } else if (state.back) {
    state.back = false;
    await readOlder(params, signal, state);
  } else if (state.more) {
    state.more = false;
    await read(params, signal, state);
  }
  return state;
}

/** New ones as they come: a stream that a browser opens again by itself where it broke off. */
function follow(params, state, tools) {
  const query = new URLSearchParams({topic: params.name, ...wish({...params, from: "", offset: "", time: ""}), at: state.next, limit: 500});
  const stream = new EventSource("/api/tail?" + query);
  state.follow = stream;
  state.leave = () => { stream.close(); state.follow = null; };
  stream.addEventListener("records", (event) => {
    take(state, JSON.parse(event.data));
    state.left = (state.left || 0) + Math.max(0, state.found.length - KEPT);
    state.found = state.found.slice(-KEPT);
    tools.redraw();
  });
  stream.addEventListener("trouble", () => { state.leave(); tools.again(); });
  stream.onerror = () => { if (stream.readyState === EventSource.CLOSED) { state.leave(); tools.redraw(); } };
}

/* ---- As a file ---- */

const cut = (value) => Boolean(value && value.left_out);
const isCut = (record) => cut(record.key) || cut(record.value) || record.headers.some((header) => cut(header.key) || cut(header.value));
const exactly = (value) => JSON.stringify(value === null ? null : value.text !== undefined ? value.text : {base64: value.base64});

/** As drave produce --json reads it; numbers are written as they came, none is rounded. */
function line(topic, r) {
  const headers = r.headers.map((header) => `{"key":${exactly(header.key)},"value":${exactly(header.value)}}`);
  return `{"topic":${JSON.stringify(topic)},"partition":${r.partition},"offset":${r.offset},"timestamp":${r.time_ms},"key":${exactly(r.key)},"value":${exactly(r.value)},"headers":[${headers.join(",")}]}`;
}

async function whole(topic, record) {
  const told = await ask("records", {topic, partition: record.partition, from: "offset", offset: record.offset, limit: 1, bytes: 1048576});
  const found = told.records.find((r) => r.offset === record.offset && !r.trouble);
  return found && !isCut(found) ? found : null;
}

/** What is shown, in its order, each record whole; those that are larger than is told are left out, and it is said how many. */
async function save(records, params, state, tools) {
  const lines = [];
  state.saving = true;
  state.unsaved = 0;
  tools.redraw();
  try {
    for (const record of records.filter((r) => !r.trouble)) {
      const all = isCut(record) ? await whole(params.name, record) : record;
      if (all) lines.push(line(params.name, all) + "\n");
      else state.unsaved++;
    }
    const url = URL.createObjectURL(new Blob(lines, {type: "application/x-ndjson"}));
    h("a", {href: url, download: `${params.name}.ndjson`}).click();
    setTimeout(() => URL.revokeObjectURL(url), 60000);
  } finally {
    state.saving = false;
    tools.redraw();
  }
}

/* ---- What is asked ---- */

function localTime(ms) {
  return ms ? time(ms).replace(" ", "T") : "";
}

function form(state, params, tools) {
  const from = state.from || params.from || "newest";
  const field = (name, label, attributes) => h("label", {"data-key": name}, label, h("input", {name, value: params[name] || "", autocomplete: "off", spellcheck: "false", ...attributes}));
  const choice = (name, label, options, now) => {
    const select = h("select", {name}, options.map(([value, text]) => h("option", {value, ...(String(now) === String(value) ? {selected: true} : {})}, text)));
    if (name === "from") select.onchange = (event) => { state.from = event.target.value; tools.redraw(); };
    return h("label", {"data-key": name}, label, select);
  };
  const submit = (event) => {
    event.preventDefault();
    const values = Object.fromEntries(new FormData(event.target));
    if (values.time) values.time = Date.parse(values.time + (clock.local ? "" : "Z"));
    if (values.from === "newest") delete values.from;
    if (values.partition === "-1") delete values.partition;
    if (values.limit === "50") delete values.limit;
    state.query = null;
    const next = place("topic", {name: params.name, tab: "records", ...values});
    if (location.hash === next) window.dispatchEvent(new HashChangeEvent("hashchange"));
    else location.hash = next;
  };
  const partitions = [["-1", "all"], ...Array.from({length: Math.min(state.total, 10000)}, (_, i) => [i, i])];
  return h("form", {class: "filters", onsubmit: submit},
    choice("partition", "Partition", partitions, params.partition || "-1"),
    choice("from", "From", [["newest", "the newest"], ["oldest", "the oldest"], ["offset", "an offset"], ["time", "a time"]], from),
    from === "offset" && field("offset", "Offset", {inputmode: "numeric", pattern: "[0-9]+", required: true}),
    from === "time" && field("time", clock.local ? "Time" : "Time, UTC", {type: "datetime-local", step: "1", required: true, value: localTime(params.time)}),
    field("any", "Has anywhere", {type: "search"}), field("key", "Key has", {}), field("value", "Value has", {}), field("header", "Header has", {}), field("json", "JSON has", {placeholder: "/customer=c-42", pattern: "/.*"}),
    choice("limit", "At most", [[50, 50], [200, 200], [500, 500]], params.limit || 50),
    h("button", {type: "submit"}, "Read"));
}

/* ---- What came ---- */

const compare = (a, b) => {
  const [x, y] = [BigInt(a.time_ms || 0), BigInt(b.time_ms || 0)];
  return x !== y ? (x < y ? -1 : 1) : a.partition !== b.partition ? a.partition - b.partition : Number(BigInt(a.offset) - BigInt(b.offset));
};

function details(record, whole, topic) {
  const pairs = [["Key", payload(whole.key, {open: true})], ["Value", payload(whole.value, {open: true})]];
  for (const header of whole.headers) pairs.push([h("span", {}, "Header ", payload(header.key)), payload(header.value)]);
  pairs.push(["Time", `${time(record.time_ms, true)} (${record.time_is === "append" ? "when it was appended" : "as its producer says"})`],
    ["Size", `key ${record.key_bytes < 0 ? "null" : bytes(record.key_bytes)}, value ${record.value_bytes < 0 ? "null" : bytes(record.value_bytes)}`], ["Batch", record.codec === "none" ? "not compressed" : record.codec]);
  if (record.producer_id !== "-1") pairs.push(["Producer", `${record.producer_id}${record.transactional ? ", in a transaction" : ""}`]);
  return h("dl", {class: "kv"}, pairs.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
    admin.on && [h("dt", {}, "Again"), h("dd", {}, h("button", {type: "button", onclick: () => { sendAgain(whole); location.hash = place("topic", {name: topic, tab: "produce"}); }}, "Append it once more"))]);
}

function row(record, params, state, tools) {
  const key = `${record.partition}:${record.offset}`;
  if (record.trouble)
    return [h("tr", {"data-key": key}, h("td", {class: "n"}, record.partition), h("td", {class: "n"}, exact(record.offset)), h("td", {colspan: "4", class: "warn-text"}, record.trouble))];
  const opened = state.opened[key];
  const toggle = async () => {
    if (opened) delete state.opened[key];
    else {
      state.opened[key] = record;
      tools.redraw();
      if (record.value && record.value.left_out) {
        const told = await ask("records", {topic: params.name, partition: record.partition, from: "offset", offset: record.offset, limit: 1, bytes: 1048576});
        if (state.opened[key] && told.records.length && told.records[0].offset === record.offset) state.opened[key] = told.records[0];
      }
    }
    tools.redraw();
  };
  const cells = [
    h("td", {class: "n"}, record.partition),
    h("td", {class: "n"}, h("button", {type: "button", "aria-expanded": opened ? "true" : "false", "aria-label": `Offset ${record.offset}: all of it`, onclick: toggle}, exact(record.offset))),
    h("td", {class: "mono dim when"}, time(record.time_ms, true)), h("td", {}, payload(record.key)), h("td", {}, payload(record.value)),
    h("td", {class: "n"}, record.headers.length || "")];
  const rows = [h("tr", {"data-key": key}, cells)];
  if (opened) rows.push(h("tr", {"data-key": key + ":open"}, h("td", {colspan: "6"}, details(record, opened, params.name))));
  return rows;
}

function status(state, params) {
  const parts = [`${exact(state.found.length)} shown`];
  if (filtered(params)) parts.push(`${exact(state.scanned)} records (${bytes(state.scannedBytes)}) looked at`);
  if (state.left) parts.push(`${exact(state.left)} older ones left out`);
  if (state.unsaved) parts.push(`${exact(state.unsaved)} larger than 1 MiB not saved`);
  parts.push(state.follow ? "following" : newest(params) ? (older(state).length ? "there are older ones" : "all there are") : state.done ? "up to the end" : "there is more");
  return parts.join(", ");
}

export function view(state, params, tools) {
  state.redraw = tools.redraw;
  const sorted = [...state.found].sort(compare);
  if (newest(params) || state.follow) sorted.reverse();
  const troubled = state.partitions.filter((p) => p.trouble);
  const toggle = () => { if (state.follow) state.leave(); else follow(params, state, tools); tools.redraw(); };
  return [
    form(state, params, tools),
    troubled.length > 0 && h("div", {class: "state warn"}, troubled.slice(0, 5).map((p) => h("div", {}, `Partition ${p.partition}: ${p.trouble}`))),
    sorted.length === 0 ? h("p", {class: "empty scroll"}, state.done ? "No record is like that." : "Nothing found so far.")
      : h("div", {class: "scroll records", tabindex: "0", role: "region", "aria-label": "Records"}, h("table", {},
        h("thead", {}, h("tr", {}, [["Partition", "n"], ["Offset", "n"], ["Time", ""], ["Key", "name"], ["Value", "name"], ["Headers", "n"]].map(([text, kind]) => h("th", {scope: "col", class: kind}, text)))),
        h("tbody", {}, sorted.map((record) => row(record, params, state, tools))))),
    h("div", {class: "pager"},
      newest(params) ? h("button", {type: "button", disabled: Boolean(state.follow) || older(state).length === 0, onclick: () => { state.back = true; tools.again(); }}, "Older")
        : h("button", {type: "button", disabled: state.done || Boolean(state.follow), onclick: () => { state.more = true; tools.again(); }}, "Go on"),
      h("button", {type: "button", "aria-pressed": state.follow ? "true" : "false", onclick: toggle}, "Follow"),
      h("button", {type: "button", disabled: Boolean(state.saving) || sorted.length === 0, title: "What is shown, a line of JSON each, as drave produce --json reads it", onclick: () => save(sorted, params, state, tools)}, "Save"),
      h("span", {role: "status"}, status(state, params))),
  ];
}
