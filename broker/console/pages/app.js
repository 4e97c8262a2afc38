/** Which page is shown, when it asks again, keys, and how it looks. */
import {admin, learnMode} from "./admin.js";
import {clock, morph, time} from "./dom.js";
import * as overview from "./overview.js";
import * as topics from "./topics.js";
import * as topic from "./topic.js";
import * as groups from "./groups.js";
import * as group from "./group.js";
import * as clients from "./clients.js";
import * as brokers from "./brokers.js";
import * as events from "./events.js";
import * as meta from "./meta.js";

const pages = {overview, topics, topic, groups, group, brokers, clients, events, meta};
const inside = {topic: "topics", group: "groups", meta: "brokers"}; /* whose tab is lit */
const main = document.getElementById("main"), trouble = document.getElementById("trouble");

let at = {page: null, params: {}, state: {}};
let controller = null, timer = 0, failedSince = 0;

function where() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  return {name: path || "overview", params: Object.fromEntries(new URLSearchParams(query || ""))};
}

function say(text) {
  trouble.textContent = text;
  trouble.hidden = !text;
}

function draw() {
  if (!at.data) return;
  morph(main, at.page.view(at.data, at.params, {state: at.state, redraw: draw, again: load}).flat(Infinity).filter(Boolean));
}

function later(ms) {
  clearTimeout(timer);
  if (ms) timer = setTimeout(() => (document.hidden ? later(ms) : load()), ms);
}

async function load() {
  const mine = at;
  if (controller) controller.abort();
  controller = new AbortController();
  try {
    const data = await mine.page.load(mine.params, controller.signal, mine.state);
    if (mine !== at) return;
    at.data = data;
    failedSince = 0;
    say("");
    draw();
  } catch (error) {
    if (mine !== at || error.name === "AbortError") return;
    failedSince = failedSince || Date.now();
    say(error instanceof TypeError
      ? `The broker that serves this page has not answered since ${time(failedSince)}. What is shown is older. Another broker serves these pages, too.`
      : error.message);
    if (!at.data) main.replaceChildren();
  }
  const every = mine.page.every;
  later(failedSince ? 3000 : typeof every === "function" ? every(mine.params, mine.state) : every);
}

function go() {
  const {name, params} = where();
  const page = pages[name] || overview;
  const same = at.page === page && page.keeps && page.keeps(at.params, params);
  const before = at.state;
  at = {page, params, state: same ? at.state : {}, data: same ? at.data : null};
  const lit = inside[name] || name;
  for (const a of document.querySelectorAll("nav [data-page]")) {
    if (a.dataset.page === lit) a.setAttribute("aria-current", "page");
    else a.removeAttribute("aria-current");
  }
  document.title = page.title(params) + " – drave";
  if (!same) {
    if (before.leave) before.leave(); /* what the page left open */
    main.replaceChildren();
    main.focus({preventScroll: true});
    window.scrollTo(0, 0);
  }
  load();
}

/* ---- Keys ---- */

const jumps = {o: "#/", t: "#/topics", g: "#/groups", b: "#/brokers", c: "#/clients", e: "#/events", m: "#/meta"};
let began = 0; /* when g was pressed */

function row(step) {
  const links = [...main.querySelectorAll("tbody a, .rows a")];
  const next = links.indexOf(document.activeElement) + step;
  if (links.length) links[Math.max(0, Math.min(links.length - 1, next))].focus();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, dialog[open]")) return;
  if (Date.now() - began < 1500 && jumps[event.key]) {
    location.hash = jumps[event.key];
    began = 0;
    event.preventDefault();
    return;
  }
  began = event.key === "g" ? Date.now() : 0;
  if (event.key === "j") row(1);
  else if (event.key === "k") row(-1);
  else if (event.key === "?") document.getElementById("help").showModal();
  else if (event.key === "/") {
    const search = main.querySelector("input[type=search]");
    if (search) { search.focus(); event.preventDefault(); }
  }
});

/* ---- How it looks ---- */

const themeButton = document.getElementById("theme"), clockButton = document.getElementById("clock");
const themes = ["auto", "light", "dark"];

function paint(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  themeButton.textContent = theme[0].toUpperCase() + theme.slice(1);
}

themeButton.onclick = () => {
  const now = localStorage.getItem("theme") || "auto";
  const next = themes[(themes.indexOf(now) + 1) % themes.length];
  localStorage.setItem("theme", next);
  paint(next);
};
clockButton.onclick = () => {
  clock.local = !clock.local;
  localStorage.setItem("clock", clock.local ? "local" : "utc");
  clockButton.textContent = clock.local ? "Local" : "UTC";
  draw();
};
document.getElementById("keys").onclick = () => document.getElementById("help").showModal();

paint(localStorage.getItem("theme") || "auto");
clockButton.textContent = clock.local ? "Local" : "UTC";
window.addEventListener("hashchange", go);
document.addEventListener("visibilitychange", () => { if (!document.hidden && at.page) load(); });
document.getElementById("served").textContent = location.host;
admin.changed = draw;
go();
learnMode().catch(() => {}); /* nobody answers: the page says so itself */
