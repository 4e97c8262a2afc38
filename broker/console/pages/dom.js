/** Elements out of texts alone (nothing is ever parsed as markup), and what is shown of numbers and times. */

const SVG = new Set(["svg", "path", "polyline", "polygon"]);

/** h("td", {class: "n"}, "7"): attributes; on... are handlers; children that are null or false are left out. */
export function h(tag, attributes, ...children) {
  const element = SVG.has(tag) ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element[name] = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat(Infinity))
    if (child !== null && child !== undefined && child !== false) element.append(child);
  return element;
}

const HANDLERS = ["onclick", "oninput", "onchange", "onsubmit", "onkeydown"];

function morphNode(old, fresh) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  /* What somebody has typed or chosen stays, unless what the page says has changed. */
  const typed = "defaultValue" in fresh && old.defaultValue === fresh.defaultValue;
  const chosen = "defaultSelected" in fresh && old.defaultSelected === fresh.defaultSelected;
  const checked = "defaultChecked" in fresh && old.defaultChecked === fresh.defaultChecked;
  for (const {name} of [...old.attributes])
    if (!fresh.hasAttribute(name) && !(name === "open" && old.tagName === "DETAILS")) old.removeAttribute(name);
  for (const {name, value} of fresh.attributes) {
    if (name === "style") old.style.cssText = fresh.style.cssText; /* an attribute would be inline style, which the policy refuses */
    else if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const name of HANDLERS) if (old[name] !== fresh[name]) old[name] = fresh[name];
  if ("defaultValue" in fresh && !typed && old !== document.activeElement) old.value = fresh.defaultValue;
  if ("defaultSelected" in fresh && !chosen) old.selected = fresh.defaultSelected;
  if ("defaultChecked" in fresh && !checked) old.checked = fresh.defaultChecked;
  morph(old, [...fresh.childNodes]);
}

/** Makes the children of an element those, and keeps what is there already, with its focus and selection. */
export function morph(parent, fresh) {
  const keyed = new Map();
  for (const old of parent.children) if (old.dataset.key !== undefined) keyed.set(old.dataset.key, old);
  let at = parent.firstChild; /* what is left of the old ones begins here */
  for (const node of fresh) {
    const key = node.dataset && node.dataset.key;
    let old = key !== undefined ? keyed.get(key) : at;
    if (old && (old.nodeName !== node.nodeName || (key === undefined && old.dataset && old.dataset.key !== undefined))) old = null;
    if (old) {
      keyed.delete(key);
      if (old === at) at = at.nextSibling;
      else parent.insertBefore(old, at);
      morphNode(old, node);
    } else parent.insertBefore(node, at);
  }
  while (at) { const next = at.nextSibling; at.remove(); at = next; }
}

/* ---- Numbers ---- */

const known = (value) => value !== null && value !== undefined && !Number.isNaN(value);

/** 1234567 as 1,234,567; also of a text with a number of 64 bits, which stays exact. */
export function exact(value) {
  if (!known(value)) return "–";
  return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ",");
}

export function count(value) {
  if (!known(value)) return "–";
  const n = Number(value);
  for (const [size, unit] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e4, "k"]])
    if (n >= size) return (n / (unit === "k" ? 1e3 : size)).toPrecision(3).replace(/\.?0+$/, "") + " " + unit;
  return Number.isInteger(n) ? exact(n) : n.toFixed(n < 10 ? 1 : 0);
}

export function bytes(value) {
  if (!known(value) || Number(value) < 0) return "–";
  let n = Number(value);
  for (const unit of ["B", "KiB", "MiB", "GiB", "TiB"]) {
    if (n < 1000 || unit === "TiB") return (unit === "B" ? n.toFixed(0) : n.toFixed(n < 10 ? 1 : 0)) + " " + unit;
    n /= 1024;
  }
  return "";
}

export const perSecond = (value, show) => (known(value) ? show(value) + "/s" : "–");

/** Of seconds. */
export function duration(value) {
  if (!known(value) || value < 0) return "–";
  if (value === Infinity) return "> 5 s";
  if (value === 0) return "0 s";
  if (value < 0.001) return Math.round(value * 1e6) + " µs";
  if (value < 1) return Number((value * 1e3).toPrecision(2)) + " ms";
  if (value < 120) return (value < 10 ? Number(value.toFixed(1)) : Math.round(value)) + " s";
  if (value < 7200) return Math.round(value / 60) + " min";
  if (value < 172800) return Number((value / 3600).toFixed(value < 36000 ? 1 : 0)) + " h";
  return Number((value / 86400).toFixed(value < 864000 ? 1 : 0)) + " d";
}

/* ---- Times ---- */

export const clock = {local: localStorage.getItem("clock") === "local"};

export function time(ms, withMs = false) {
  const n = Number(ms);
  if (!(n > 0) || n > 8.64e15) return n === -1 ? "no time" : String(ms);
  const at = new Date(clock.local ? n - new Date(n).getTimezoneOffset() * 60000 : n);
  return at.toISOString().replace("T", " ").slice(0, withMs ? 23 : 19);
}

/* ---- Pieces that pages share ---- */

export const tag = (kind, text) => h("span", {class: "tag " + kind}, text);

export function bar(part, whole, kind = "") {
  const width = whole > 0 ? Math.max(0, Math.min(100, Math.round((100 * part) / whole))) : 0;
  const fill = h("i");
  fill.style.width = width + "%";
  return h("span", {class: "bar " + kind, "aria-hidden": "true"}, fill);
}

/** A number of the last minutes as a line, without axes: the number itself stands beside it. */
export function spark(values) {
  const seen = values.filter((v) => Number.isFinite(v));
  if (seen.length < 2) return h("svg", {viewBox: "0 0 100 26", "aria-hidden": "true"});
  const most = Math.max(...seen, 1e-9);
  const points = values.map((v, i) => [(100 * i) / (values.length - 1), Number.isFinite(v) ? 25 - (23 * v) / most : 25]);
  const line = points.map(([x, y]) => x.toFixed(1) + "," + y.toFixed(1)).join(" ");
  return h("svg", {viewBox: "0 0 100 26", preserveAspectRatio: "none", "aria-hidden": "true"},
    h("polygon", {class: "sparkfill", points: "0,26 " + line + " 100,26"}), h("polyline", {class: "spark", points: line}));
}

export const link = (page, params, ...children) => h("a", {href: place(page, params)}, ...children);

export function place(page, params) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params || {})) if (value !== "" && known(value)) query.set(name, value);
  const text = query.toString();
  return "#/" + page + (text ? "?" + text : "");
}

/** A table: columns {title, class, sort}, rows of cells; `empty` is said when there are none. */
export function table(columns, rows, {caption, empty, sort, order, onSort, kind = ""} = {}) {
  if (rows.length === 0) return h("p", {class: "empty scroll"}, empty || "Nothing here.");
  const head = columns.map((column) => {
    const attributes = {class: column.class, scope: "col"};
    if (!column.sort) return h("th", attributes, column.title);
    const mine = column.sort === sort;
    attributes["aria-sort"] = mine ? (order === "falling" ? "descending" : "ascending") : "none";
    const sign = mine ? (order === "falling" ? " ↓" : " ↑") : "";
    return h("th", attributes, h("button", {type: "button", onclick: () => onSort(column.sort)}, column.title + sign));
  });
  return h("div", {class: "scroll " + kind, tabindex: "0", role: "region", "aria-label": caption},
    h("table", {}, h("thead", {}, h("tr", {}, head)),
      h("tbody", {}, rows.map((row) => h("tr", row.key === undefined ? {} : {"data-key": row.key},
        row.cells.map((cell, i) => h("td", {class: columns[i].class}, cell)))))));
}

export function facts(pairs) {
  return h("dl", {class: "facts"}, pairs.filter(Boolean).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

export function pager(page, params, {from, shown, total, limit}) {
  if (total <= shown && from === 0) return null;
  const to = (at) => () => { location.hash = place(page, {...params, from: at > 0 ? at : null}); };
  return h("div", {class: "pager"},
    h("button", {type: "button", disabled: from === 0, onclick: to(Math.max(0, from - limit))}, "Previous"),
    h("button", {type: "button", disabled: from + shown >= total, onclick: to(from + limit)}, "Next"),
    h("span", {}, `${exact(shown ? from + 1 : 0)} to ${exact(from + shown)} of ${exact(total)}`));
}

/* ---- What records hold ---- */

/** Text as it is, with what cannot be seen made visible. */
export function visible(text) {
  const pieces = [];
  let plain = "";
  for (const character of text) {
    const code = character.codePointAt(0);
    const hidden = (code < 32 && code !== 10 && code !== 9) || (code >= 127 && code < 160) || (code >= 0x200b && code <= 0x200f) ||
      (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) || code === 0xfeff;
    if (!hidden) { plain += character; continue; }
    if (plain) pieces.push(plain);
    plain = "";
    pieces.push(h("span", {class: "ctl"}, "\\u" + code.toString(16).padStart(4, "0")));
  }
  if (plain) pieces.push(plain);
  return pieces;
}

/** JSON with line breaks, as text: numbers are not read, so none is changed. Null: it is none. */
export function indented(text) {
  const start = text.trimStart()[0];
  if (start !== "{" && start !== "[") return null;
  try { JSON.parse(text); } catch { return null; }
  let out = "", depth = 0, inside = false;
  const line = () => "\n" + "  ".repeat(Math.min(depth, 20));
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (inside) {
      out += c;
      if (c === "\\") out += text[++i];
      else if (c === '"') inside = false;
    } else if (c === '"') { inside = true; out += c; }
    else if (/\s/.test(c)) continue;
    else if (c === "{" || c === "[") {
      const rest = text.slice(i + 1).trimStart()[0];
      if (rest === "}" || rest === "]") { out += c + rest; i = text.indexOf(rest, i + 1); }
      else { depth++; out += c + line(); }
    } else if (c === "}" || c === "]") { depth--; out += line() + c; }
    else if (c === ",") out += c + line();
    else out += c === ":" ? ": " : c;
  }
  return out;
}

function hex(base64) {
  return [...atob(base64)].map((c) => c.charCodeAt(0).toString(16).padStart(2, "0")).join(" ");
}

/** {text}, {base64} or null as the API has them. */
export function payload(value, {open = false} = {}) {
  if (value === null) return h("span", {class: "null"}, "null");
  const text = value.text !== undefined ? value.text : hex(value.base64);
  const more = value.left_out ? ` … ${exact(value.left_out)} more bytes` : "";
  if (text === "" && !more) return h("span", {class: "null"}, "empty");
  const shown = value.text !== undefined && open && !more ? indented(text) || text : text;
  return h("pre", {class: "value" + (open ? " open" : "")}, visible(shown), more && h("span", {class: "null"}, more));
}

/** A name as a word of a shell; one that looks like an option stands behind "--". What would be a key for a terminal is a number, as in base/secure/shell_word.h. */
export function word(name) {
  const last = name.startsWith("-") ? "-- " : "", octal = (c) => "\\" + c.charCodeAt(0).toString(8).padStart(3, "0");
  if (/^[\w./:,=@+-]+$/.test(name)) return last + name;
  if (/[\0-\x1f\x7f]/.test(name)) return last + "$'" + name.replace(/[\\']/g, "\\$&").replace(/[\0-\x1f\x7f]/g, octal) + "'";
  return last + "'" + name.replaceAll("'", "'\\''") + "'";
}
