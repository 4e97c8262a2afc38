/** What happened lately, told by all brokers: those that are left tell the story of one that is gone. */
import {ask} from "./api.js";
import {duration, h, time} from "./dom.js";

export const title = () => "Events";
export const every = 5000;
export const keeps = () => true;

export const load = (params, signal) => ask("events", {limit: 300}, signal);

/** All events by time, the last first; what several brokers noted of the metadata stands there once. */
export function merged(told) {
  const seen = new Set(), all = [];
  for (const broker of told.brokers)
    for (const event of broker.events) {
      const same = event.ref !== "0" && event.kind + " " + event.ref;
      if (same && seen.has(same)) continue;
      if (same) seen.add(same);
      all.push({...event, by: broker.id});
    }
  return all.sort((a, b) => b.time_ms - a.time_ms);
}

const causes = {timeout: "no leader was heard of", dead: "its leader was dead, or resigned", transfer: "its leader handed over", first: "nobody had led it",
  joined: "a member joined", changed: "a member subscribed anew", rejoined: "its leader joined anew", replaced: "a static member was replaced", left: "a member left",
  expired: "nothing was heard of a member", late: "a member was too late", topics: "its topics came, went or grew", failed: "what was decided could not be written"};

const kinds = {
  started: (e) => ["good", "the broker was started"],
  elected: (e) => ["", `began to lead ${e.subject}`],
  lead_lost: (e) => ["", `no longer leads ${e.subject}`],
  broker_new: (e) => ["good", `broker ${e.node} joined the cluster`],
  broker_away: (e) => ["bad", `broker ${e.node} is not heard of any more`],
  broker_back: (e) => ["good", `broker ${e.node} is back`],
  link_lost: (e) => ["bad", `lost its link to broker ${e.node}`],
  link_back: (e) => ["good", `has its link to broker ${e.node} again`],
  out_of_sync: (e) => ["warn", `replicas of broker ${e.node} fell out of sync: ${e.subject}`],
  in_sync: (e) => ["good", `replicas of broker ${e.node} are in sync again: ${e.subject}`],
  stall: (e) => ["warn", "its event loop stood still"],
  disk_full: (e) => ["bad", "its disk is full: records are refused"],
  disk_room: (e) => ["good", "its disk has room again"],
  topic_made: (e) => ["", `topic ${e.subject} was made`],
  topic_grown: (e) => ["", `topic ${e.subject} got more partitions`],
  topic_gone: (e) => ["", `topic ${e.subject} was deleted`],
  rebalance: (e) => [["expired", "late", "failed"].includes(e.cause) ? "warn" : "", `group ${e.subject} is rebalanced`],
  config: (e) => ["", `settings of ${e.subject} were changed`],
};

function tell(event) {
  const [kind, text] = (kinds[event.kind] || ((e) => ["", `${e.kind} ${e.subject}`]))(event);
  const more = [];
  if (event.count > 1) more.push(`and ${event.count - 1} more`);
  if (event.cause) more.push(causes[event.cause] || event.cause);
  if (event.took_ms >= 0) more.push(`within ${duration(event.took_ms / 1000)}`);
  return {kind, text: text + (more.length ? " (" + more.join("; ") + ")" : "")};
}

export function eventList(events) {
  if (!events.length) return h("p", {class: "empty scroll"}, "Nothing has happened lately.");
  return h("ul", {class: "line"}, events.map((event) => {
    const {kind, text} = tell(event);
    return h("li", {class: kind, "data-key": event.by + ":" + event.id}, h("time", {}, time(event.time_ms, true)),
      h("span", {class: "who"}, event.ref === "0" ? `broker ${event.by}` : "cluster"), h("span", {}, text));
  }));
}

export function view(told) {
  const silent = told.brokers.filter((b) => !b.answers).map((b) => b.id);
  return [h("h1", {}, "Events"),
    silent.length > 0 && h("div", {class: "state warn"}, `Broker ${silent.join(", ")} tells nothing; what others noted of it is here.`),
    eventList(merged(told))];
}
