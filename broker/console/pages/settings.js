/** Settings with where they come from; those that somebody has set come first. */
import {h, table, tag} from "./dom.js";

export function settingsTable(settings) {
  const set = (s) => (s.source === "default" ? 1 : 0);
  const sorted = [...settings].sort((a, b) => set(a) - set(b) || (a.name < b.name ? -1 : 1));
  return table([{title: "Setting", class: "name"}, {title: "Value", class: "name"}, {title: "From"}, {title: "Meaning", class: "name"}],
    sorted.map((s) => ({key: s.name, cells: [
      h("span", {class: "mono"}, s.name), h("span", {class: "mono"}, s.value === null ? h("span", {class: "null"}, "secret") : s.value === "" ? h("span", {class: "null"}, "empty") : s.value),
      s.source === "default" ? h("span", {class: "dim"}, "default") : tag("good", s.source), h("span", {class: "dim"}, s.meaning || "")]})),
    {caption: "Settings"});
}
