/** The metadata as a tree to browse: what is at a place, and what is below it. */
import {ask} from "./api.js";
import {h, indented, link, pager, table, visible, word} from "./dom.js";

const LIMIT = 200;
const placed = (params) => params.path || "/";
export const title = (params) => `Metadata ${placed(params)}`;
export const every = 5000;
export const keeps = (before, after) => placed(before) === placed(after);

export const load = (params, signal) => ask("meta", {path: placed(params), from: params.from, limit: LIMIT}, signal);

const below = (path, name) => (path === "/" ? "" : path) + "/" + name;

/** Each step of the path, to go back to. */
function crumbs(path) {
  const names = path.split("/").filter(Boolean);
  return h("p", {class: "crumb mono"}, link("meta", {}, "/"), names.map((name, i) => {
    const to = "/" + names.slice(0, i + 1).join("/");
    return [i > 0 && " / ", " ", i + 1 < names.length ? link("meta", {path: to}, name) : name];
  }));
}

const value = (text, open) => h("pre", {class: "value" + (open ? " open" : "")}, visible((open && indented(text)) || text));

export function view(data, params) {
  return [
    h("h1", {}, "Metadata"), crumbs(data.path),
    data.value !== null && value(data.value, true),
    data.total > 0 && table([{title: "Below it", class: "name"}, {title: "Value", class: "name"}],
      data.children.map((one) => ({key: one.name, cells: [link("meta", {path: below(data.path, one.name)}, one.name), one.value !== null && value(one.value, false)]})),
      {caption: "Below it"}),
    pager("meta", params, {from: data.from, shown: data.children.length, total: data.total, limit: LIMIT}),
    h("p", {}, "On the command line: ", h("code", {class: "mono"}, `drave meta ${data.value === null ? "ls" : "get"} ${word(data.path)}`)),
  ];
}
