/** The list of consumer groups, and how far they are behind. */
import {ask} from "./api.js";
import {count, duration, exact, h, link, pager, table, tag} from "./dom.js";
import {search, sorter} from "./topics.js";

const LIMIT = 100;
export const title = () => "Groups";
export const every = 5000;
export const keeps = () => true;

export const load = (params, signal) => ask("groups", {...params, limit: LIMIT}, signal);

export function groupState(state) {
  return tag(state === "Stable" ? "good" : state === "Empty" || state === "Dead" ? "" : "warn", state || "unknown");
}

const late = (seconds) => (seconds > 300 ? "bad-text" : seconds > 60 ? "warn-text" : "");

export function groupTable(groups, {params, onSort}) {
  const sort = (name) => (onSort ? name : undefined);
  return table([{title: "Group", class: "name", sort: sort("name")}, {title: "State"}, {title: "Type"}, {title: "Coordinator", class: "n"},
    {title: "Behind, records", class: "n", sort: sort("lag")}, {title: "Behind, time", class: "n", sort: sort("seconds")}, {title: "Until retention", class: "n"}],
  groups.map((group) => ({key: group.group, cells: [
    link("group", {name: group.group}, group.group === "" ? h("span", {class: "null"}, "(no name)") : group.group), groupState(group.state), group.type || group.protocol_type || "–",
    group.coordinator, h("span", {title: exact(group.lag_records)}, count(group.lag_records)),
    h("span", {class: late(group.lag_seconds)}, duration(group.lag_seconds)),
    h("span", {class: group.retention_left_seconds !== null && group.retention_left_seconds < 3600 ? "bad-text" : ""}, duration(group.retention_left_seconds))]})),
  {caption: "Groups", sort: (params && params.sort) || "name", order: params && params.order, onSort, empty: "No consumer groups."});
}

export function view(data, params) {
  return [
    h("h1", {}, "Groups"),
    data.missing.length > 0 && h("div", {class: "state warn"}, `Groups of broker ${data.missing.join(", ")} are missing: it does not answer.`),
    h("div", {class: "filters"}, search("groups", params, "Name has")),
    groupTable(data.groups, {params, onSort: sorter("groups", params, "name")}),
    pager("groups", params, {from: data.from, shown: data.groups.length, total: data.total, limit: LIMIT}),
  ];
}
