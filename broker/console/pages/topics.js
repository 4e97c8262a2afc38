/** The list of topics: searched, sorted and cut on the broker's side, so that ten thousand are as fast as ten. */
import {admin, area, changeForm, field} from "./admin.js";
import {ask} from "./api.js";
import {bytes, count, exact, h, link, pager, place, table, tag} from "./dom.js";

const LIMIT = 100;
export const title = () => "Topics";
export const every = 5000;
export const keeps = () => true;

export const load = (params, signal) => ask("topics", {...params, limit: LIMIT}, signal);

let typing = 0;
/** A search that changes the address a moment after the last key. */
export function search(page, params, label) {
  const go = (value) => { location.hash = place(page, {...params, search: value, from: null}); };
  return h("label", {}, label, h("input", {type: "search", value: params.search || "", autocomplete: "off", spellcheck: "false",
    oninput: (event) => { clearTimeout(typing); const value = event.target.value; typing = setTimeout(() => go(value), 200); }}));
}

export function sorter(page, params, first) {
  return (column) => {
    const falling = params.sort === column || (!params.sort && column === "name") ? params.order !== "falling" : first !== column;
    location.hash = place(page, {...params, sort: column, order: falling ? "falling" : null, from: null});
  };
}

const check = (params, name, label) => h("label", {class: "check"}, h("input", {type: "checkbox", ...(params[name] ? {checked: true} : {}),
  onchange: (event) => { location.hash = place("topics", {...params, [name]: event.target.checked ? 1 : null, from: null}); }}), label);

function condition(topic) {
  if (topic.leaderless) return tag("bad", `${topic.leaderless} without leader`);
  if (topic.under_replicated) return tag("warn", `${topic.under_replicated} not whole`);
  return tag("good", "whole");
}

const creation = (tools) => changeForm("Create a topic", "create-topic", {}, [
  field("name", "Name", {required: true, maxlength: 249}), field("partitions", "Partitions", {type: "number", min: 1, placeholder: "default"}),
  field("replicas", "Replicas", {type: "number", min: 1, placeholder: "default"}), area("settings", "Settings, a line NAME=VALUE each", 2, "retention.ms=604800000")],
{done: tools.again});

export function view(data, params, tools) {
  return [
    h("h1", {}, "Topics"),
    h("div", {class: "filters"}, search("topics", params, "Name has"), check(params, "troubled", "only with trouble"), check(params, "internal", "internal, too")),
    table([{title: "Topic", class: "name", sort: "name"}, {title: "State"}, {title: "Partitions", class: "n", sort: "partitions"},
      {title: "Replicas", class: "n"}, {title: "Records", class: "n", sort: "records"}, {title: "Stored", class: "n", sort: "size"}],
    data.topics.map((topic) => ({key: topic.name, cells: [
      [link("topic", {name: topic.name}, topic.name), topic.internal && [" ", tag("", "internal")]], condition(topic), exact(topic.partitions), exact(topic.replicas),
      h("span", {title: exact(topic.records)}, count(topic.records)), bytes(topic.stored_bytes)]})),
    {caption: "Topics", sort: params.sort || "name", order: params.order, onSort: sorter("topics", params, "name"),
      empty: data.all ? "No topic is like that." : "There are no topics yet. drave topic create NAME makes one."}),
    pager("topics", params, {from: data.from, shown: data.topics.length, total: data.total, limit: LIMIT}),
    admin.on && creation(tools),
    h("p", {class: "dim"}, "Records and stored bytes (of all copies) are known of the topics that store most; the others have none here."),
  ];
}
