/** One record by hand: as text or base64, null told from empty; or one that was shown, again. */
import {area, changeForm, choice, field} from "./admin.js";
import {h} from "./dom.js";

const kinds = [["text", "text"], ["base64", "base64"], ["null", "null"]];
let again = null; /* a record that is to be sent once more */

export function sendAgain(record) {
  again = record;
}

/* What a field would not keep as it is (a line's end in one of one line, a return, a zero) goes as base64. */
const kept = (bytes, lines) => bytes.text !== undefined && !(lines ? /[\0\r]/ : /[\0\r\n]/).test(bytes.text);
const base64 = (text) => btoa([...new TextEncoder().encode(text)].map((byte) => String.fromCharCode(byte)).join(""));
const kindOf = (bytes, lines) => (bytes === null ? "null" : kept(bytes, lines) ? "text" : "base64");
const textOf = (bytes, lines) => (bytes === null ? "" : kept(bytes, lines) ? bytes.text : bytes.text !== undefined ? base64(bytes.text) : bytes.base64);
const isLine = ({key, value}) => kept(key) && key.text !== "" && !key.text.includes("=") && !key.left_out && (value === null || (kept(value) && !value.left_out));

/* The fields of the form as the broker wants them. */
function wanted({key_kind: keyKind, value_kind: valueKind, key, value, ...rest}) {
  const one = (name, kind, text) => (kind === "null" ? {} : {[kind === "text" ? name : name + "_base64"]: text || ""});
  return {...rest, ...one("key", keyKind, key), ...one("value", valueKind, value)};
}

function filled(label, text) {
  label.querySelector("input, textarea").defaultValue = text;
  return label;
}

export function view(topic, params, tools) {
  const from = again || {partition: params.partition || 0, key: {text: ""}, value: {text: ""}, headers: []};
  const cut = [from.key, from.value].some((bytes) => bytes && bytes.left_out);
  const headers = from.headers.filter(isLine), lost = from.headers.length - headers.length;
  const partitions = Array.from({length: Math.min(topic.total, 10000)}, (_, i) => [i, i]);
  return [
    cut && h("p", {class: "state warn"}, "Only a part of that record is here; open it first."),
    lost > 0 && h("p", {class: "state warn"}, `${lost} of its headers cannot be written as lines NAME=VALUE, and would be left out; drave produce --json takes them.`),
    changeForm(`Append a record to ${params.name}`, "produce", {topic: params.name}, [
      choice("partition", "Partition", partitions, from.partition),
      choice("key_kind", "The key is", kinds, kindOf(from.key)), filled(field("key", "Key", {}), textOf(from.key)),
      choice("value_kind", "The value is", kinds, kindOf(from.value, true)), filled(area("value", "Value", 8), textOf(from.value, true)),
      filled(area("headers", "Headers, a line NAME=VALUE each", 3), headers.map((x) => x.key.text + (x.value === null ? "" : "=" + x.value.text)).join("\n")),
    ], {open: true, form: wanted, done: tools.again}),
  ];
}
