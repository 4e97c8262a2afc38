/** Changes, where the broker lets the console make them: each is said before it is done, with the command that does the same. */
import {exact, h, table, visible} from "./dom.js";

export const admin = {on: false, changed: () => {}};

const MINUTES = 15, ROWS = 500;
const dialog = document.getElementById("change"), button = document.getElementById("lock"), foot = document.getElementById("mode");

/* ---- The token ---- */

function token() {
  const kept = sessionStorage.getItem("token");
  if (kept && Date.now() < Number(sessionStorage.getItem("token-until"))) return kept;
  sessionStorage.removeItem("token");
  return null;
}

function paint() {
  const open = token() !== null;
  button.hidden = !admin.on;
  button.textContent = open ? "Lock" : "Unlock";
  foot.textContent = !admin.on ? "read-only" : open ? "changes are unlocked" : "changes are locked";
}

function lock() {
  sessionStorage.removeItem("token");
  paint();
}

/** Asked once: whether this console may change anything at all. */
export async function learnMode() {
  const response = await fetch("/api/mode");
  admin.on = response.ok && (await response.json()).admin;
  paint();
  if (admin.on) admin.changed();
}

button.onclick = () => (token() ? lock() : unlock());
setInterval(paint, 10000);

async function post(change, form) {
  const response = await fetch("/api/change/" + change,
    {method: "POST", headers: {Authorization: "Bearer " + (token() || ""), "X-Drave": "1"}, body: new URLSearchParams(form)});
  const text = await response.text();
  if (response.status === 401) lock();
  let told;
  try { told = JSON.parse(text); } catch { throw new Error(text.trim() || `status ${response.status}`); }
  if (!response.ok) throw new Error(told.error ? told.error.text : `status ${response.status}`);
  return told;
}

/* ---- The dialog ---- */

function show(title, ...content) {
  dialog.replaceChildren(h("h2", {id: "change-title"}, title), ...content.flat(Infinity).filter(Boolean));
  if (!dialog.open) dialog.showModal();
}

const close = () => dialog.close();
const failed = (error) => h("p", {class: "bad-text", role: "alert"}, error instanceof TypeError ? "The broker that serves this page does not answer." : error.message);

function unlock(then) {
  const field = h("input", {type: "password", name: "token", required: true, autocomplete: "off"});
  const said = h("div");
  const submit = async (event) => {
    event.preventDefault();
    sessionStorage.setItem("token", field.value.trim());
    sessionStorage.setItem("token-until", Date.now() + MINUTES * 60000);
    try {
      await post("unlock", {});
      paint();
      if (then) then();
      else close();
    } catch (error) {
      lock();
      said.replaceChildren(failed(error));
    }
  };
  show("Unlock changes", h("p", {}, `With the token that console.token.file holds, for ${MINUTES} minutes in this tab.`),
    h("form", {onsubmit: submit}, h("label", {}, "Token ", field), said,
      h("p", {class: "buttons"}, h("button", {type: "button", onclick: close}, "Cancel"), " ", h("button", {type: "submit"}, "Unlock"))));
  field.focus();
}

function rowsTable(rows) {
  return [table([{title: "Topic", class: "name"}, {title: "Partition", class: "n"}, {title: "From", class: "n"}, {title: "To", class: "n"}, {title: "Records", class: "n"}],
    rows.slice(0, ROWS).map((row) => {
      const by = BigInt(row.to) - BigInt(row.from < 0 ? row.start : row.from);
      return {cells: [row.topic, row.partition, row.from < 0 ? "none" : exact(row.from), exact(row.to), by > 0n ? `${exact(by)} skipped` : by < 0n ? `${exact(-by)} again` : "stays"]};
    }), {caption: "What changes", kind: "plan"}), rows.length > ROWS && h("p", {}, `and ${exact(rows.length - ROWS)} more`)];
}

const sentences = (told) => h("ul", {}, told.plan.map((text) => h("li", {}, visible(text))));
const command = (told) => [h("p", {class: "dim"}, "The same on the command line:"), h("pre", {class: "command", tabindex: "0", "aria-label": "Command"}, visible(told.command))];

async function carryOut(change, form, options, said) {
  try {
    const told = await post(change, {...form, ...(options.with ? options.with(form) : {})});
    show("Done", sentences(told), h("p", {class: "buttons"}, h("button", {type: "button", onclick: () => { close(); if (options.done) options.done(); }}, "Close")));
    dialog.querySelector("button").focus();
  } catch (error) {
    said.replaceChildren(failed(error));
  }
}

/** What would happen and how; then, if somebody says so, it is done. `name` must be typed first; `done` is called behind it. */
export async function propose(title, change, form, {name, done} = {}) {
  if (!token()) {
    unlock(() => propose(title, change, form, {name, done}));
    return;
  }
  let plan;
  try {
    plan = await post(change, {...form, dry_run: 1});
  } catch (error) {
    if (!token()) unlock(() => propose(title, change, form, {name, done}));
    else show(title, failed(error), h("p", {class: "buttons"}, h("button", {type: "button", onclick: close}, "Close")));
    return;
  }
  const said = h("div"), typed = name && h("input", {name: "confirm", autocomplete: "off", spellcheck: "false", required: true});
  const submit = (event) => {
    event.preventDefault();
    const more = {...(typed ? {confirm: typed.value} : {}), ...(plan.rows ? {offsets: plan.rows.map((r) => `${r.partition} ${r.to} ${r.topic}`).join("\n")} : {})};
    carryOut(change, {...form, ...more}, {done}, said);
  };
  show(title, sentences(plan), plan.rows && rowsTable(plan.rows), command(plan),
    h("form", {onsubmit: submit}, typed && h("label", {}, `Type ${name} to confirm `, typed), said,
      h("p", {class: "buttons"}, h("button", {type: "button", onclick: close}, "Cancel"), " ", h("button", {type: "submit"}, "Do it"))));
  (typed || dialog.querySelector("button[type=submit]")).focus();
}

/* ---- Forms ---- */

export const field = (name, label, attributes) => h("label", {"data-key": name}, label, h("input", {name, autocomplete: "off", spellcheck: "false", ...attributes}));
export const area = (name, label, rows, placeholder) => h("label", {"data-key": name, class: "grow"}, label, h("textarea", {name, rows, spellcheck: "false", placeholder}));

export function choice(name, label, options, now, onchange) {
  const select = h("select", {name, onchange}, options.map(([value, text]) => h("option", {value, ...(String(now) === String(value) ? {selected: true} : {})}, text)));
  return h("label", {"data-key": name}, label, select);
}

/** A form for one change; what is empty is left out. */
export function changeForm(title, change, fixed, fields, options = {}) {
  const submit = (event) => {
    event.preventDefault();
    const values = Object.entries(Object.fromEntries(new FormData(event.target))).filter(([, value]) => value !== "");
    const form = {...fixed, ...Object.fromEntries(values)};
    propose(title, change, options.form ? options.form(form) : form, options);
  };
  return h("details", {class: "change", open: options.open}, h("summary", {}, title),
    h("form", {class: "filters", onsubmit: submit}, fields, h("button", {type: "submit"}, "Show what would happen")));
}
