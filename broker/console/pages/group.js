/** One group: why it lags, who is in it, where it stands. */
import {admin, changeForm, choice, field, propose} from "./admin.js";
import {ask} from "./api.js";
import {clock, count, duration, exact, facts, h, link, table, tag, word} from "./dom.js";
import {groupState} from "./groups.js";

export const title = ({name}) => `Group ${name}`;
export const every = 4000;
export const keeps = (before, after) => before.name === after.name;

export const load = (params, signal) => ask("group", {name: params.name}, signal);

const words = {
  no_members: "Nobody consumes", stuck: "A consumer is stuck", rebalancing: "It is being rebalanced again and again", not_polling: "A consumer does not poll",
  uncommitted: "Records are read and not committed", hot_partition: "One partition gets most of it", consumers_slower: "Consumers have become slower",
  producers_faster: "Producers have become faster", idle_members: "Members have nothing to do", catching_up: "It is catching up",
  locks_full: "Its members hold as many records as they may", retries: "Records come back, and are given again",
};

function finding(one) {
  return h("li", {class: "cause" + (one.cause === null || one.cause === "catching_up" ? " good" : "")},
    h("h3", {}, one.cause === null ? "It keeps up" : words[one.cause] || one.cause),
    h("dl", {class: "kv"}, one.evidence.map((e) => [h("dt", {}, e.what), h("dd", {}, e.value)])),
    one.next && h("p", {}, one.next));
}

/** How far it has come between the log's start and end. */
function progress(one) {
  if (one.committed === null || one.end === null) return "–";
  const start = BigInt(one.start), end = BigInt(one.end), at = BigInt(one.committed);
  const part = end > start ? Number(((at < start ? 0n : at - start) * 1000n) / (end - start)) / 10 : 100;
  const fill = h("i");
  fill.style.width = Math.min(100, part) + "%";
  return h("span", {class: "progress", title: `${Math.min(100, part)} % of what is there`}, fill);
}

/** What a share group does in each partition. */
function shared(data) {
  const of = (value, most) => (value === null ? "–" : most === null ? exact(value) : `${exact(value)} of ${exact(most)}`);
  return table([{title: "Topic", class: "name"}, {title: "Partition", class: "n"}, {title: "Not done from", class: "n"}, {title: "End", class: "n"}, {title: "Not done", class: "n"},
    {title: "Time", class: "n"}, {title: "Held", class: "n"}, {title: "Fetches waiting", class: "n"}, {title: "To be given again", class: "n"}, {title: "Given at most", class: "n"}],
  data.offsets.map((one) => ({key: `${one.topic}-${one.partition}`, cells: [
    link("topic", {name: one.topic}, one.topic), one.partition,
    one.start === null ? tag("", "none") : link("topic", {name: one.topic, tab: "records", from: "offset", partition: one.partition, offset: one.start}, exact(one.start)),
    exact(one.end), count(one.lag), one.lag_seconds < 0 ? "–" : duration(one.lag_seconds),
    of(one.acquired, one.acquired_most), of(one.waiting, null), of(one.retried, null), of(one.deliveries, one.deliveries_most)]})),
  {caption: "Partitions", empty: "It has begun in no partition."});
}

function committed(data, shorten) {
  return table([{title: "Topic", class: "name"}, {title: "Partition", class: "n"}, {title: "Committed", class: "n"}, {title: "Start", class: "n"}, {title: "End", class: "n"},
    {title: "Read"}, {title: "Behind", class: "n"}, {title: "Time", class: "n"}, {title: "Member", class: "name"}],
  data.offsets.map((one) => ({key: `${one.topic}-${one.partition}`, cells: [
    link("topic", {name: one.topic}, one.topic), one.partition,
    one.committed === null ? tag("", "none") : link("topic", {name: one.topic, tab: "records", from: "offset", partition: one.partition, offset: one.committed}, exact(one.committed)),
    exact(one.start), exact(one.end), progress(one), count(one.lag), one.lag_seconds < 0 ? "–" : duration(one.lag_seconds),
    one.member === null ? h("span", {class: "dim"}, "nobody") : h("span", {class: "mono", title: one.member}, shorten(one.member))]})),
  {caption: "Partitions", empty: "Nothing is committed, and nobody owns a partition."});
}

/** Where it goes on: a plan first, then exactly that. */
function seeking(data, params, tools) {
  const {state} = tools, to = state.to || "earliest", share = data.type === "share";
  const topics = [...new Set(data.offsets.map((one) => one.topic))].map((name) => [name, name]);
  const choose = (event) => { state.to = event.target.value; tools.redraw(); };
  const form = ({local, ...rest}) => (local ? {...rest, time: Date.parse(local + (clock.local ? "" : "Z"))} : rest);
  return changeForm(share ? "Reset this group" : "Move this group", share ? "share-reset" : "seek", {name: data.group}, [
    choice("topic", "Topic", [["", share ? "all in which it has begun" : "all that it has committed"], ...topics], ""),
    choice("to", "To", [["earliest", "the beginning"], ["latest", "the end"], ["offset", "an offset"], ["time", "a time"], ["ago", "some time ago"],
      ...(share ? [] : [["by", "so many records further"]])], to, choose),
    to === "offset" && field("offset", "Offset", {inputmode: "numeric", pattern: "[0-9]+", required: true}),
    to === "time" && field("local", clock.local ? "Time" : "Time, UTC", {type: "datetime-local", step: "1", required: true}),
    to === "ago" && field("ago", "How long ago", {pattern: "[0-9]+[smhd]", placeholder: "90s, 15m, 6h, 7d", required: true}),
    to === "by" && field("by", "Records, -N back", {pattern: "-?[0-9]+", required: true}),
  ], {form, done: tools.again, open: state.to !== undefined});
}

const deletion = (data) => h("p", {}, h("button", {type: "button", onclick: () =>
  propose(`Delete ${data.group}`, "delete-group", {name: data.group}, {name: data.group, done: () => { location.hash = "#/groups"; }})}, "Delete this group"));

export function view(data, params, tools) {
  const shorten = (id) => (id && id.length > 28 ? id.slice(0, 12) + "…" + id.slice(-12) : id);
  const share = data.type === "share";
  return [
    h("p", {class: "crumb"}, link("groups", {}, "Groups")),
    h("h1", {}, data.group),
    facts([["State", groupState(data.state)], ["Type", data.type], data.protocol && ["Assignor", data.protocol], ["Coordinator", `broker ${data.coordinator}`],
      ["Members", exact(data.members.length + data.members_left_out)], ["Behind", data.lag_records === "-1" ? "–" : `${exact(data.lag_records)} records`],
      [share ? "Oldest not done" : "Oldest unread", data.lag_seconds < 0 ? "–" : duration(data.lag_seconds)]]),
    h("h2", {}, "Why"),
    h("ul", {class: "causes"}, data.findings.map(finding)),
    h("h2", {}, "Partitions"),
    share ? shared(data) : committed(data, shorten),
    data.left_out > 0 && h("p", {}, `${exact(data.left_out)} more partitions; drave group describe shows all.`),
    admin.on && [seeking(data, params, tools), deletion(data)],
    h("h2", {}, "Members"),
    table([{title: "Member", class: "name"}, {title: "Client"}, {title: "Host"}, {title: "Partitions", class: "n"}, {title: "Last heard of", class: "n"}],
      data.members.map((m) => ({key: m.id, cells: [h("span", {class: "mono", title: m.id}, shorten(m.id), m.instance && [" ", tag("", m.instance)]),
        m.client_id, m.host.replace(/^\//, ""), exact(m.partitions), m.heard_ms < 0 ? "–" : duration(m.heard_ms / 1000) + " ago"]})),
      {caption: "Members", empty: "Nobody."}),
    h("p", {}, "On the command line: ", h("code", {class: "mono"}, `drave group why ${word(data.group)}`),
      share && [", ", h("code", {class: "mono"}, `drave share reset ${word(data.group)} --to earliest`)]),
  ];
}
