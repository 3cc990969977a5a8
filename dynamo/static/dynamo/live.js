// The live page: schema events as they come, newest first, each once.

import { follow } from "./stream.js";

const page = document.getElementById("dynamo-live");
const state = page.querySelector("[data-state]");
const note = page.querySelector(".dynamo-live-note");
const rows = page.querySelector("tbody");
const kept = Number(page.dataset.kept);
const RESET = "The log was reset or restored; events before this moment are not shown.";

function show(name, text = "") {
  state.dataset.state = name;
  state.textContent = name;
  note.textContent = text;
}

function element(name, ...children) {
  const made = document.createElement(name);
  made.append(...children);
  return made;
}

function time(stamp) {
  const made = element("time", new Date(stamp).toLocaleString());
  made.dateTime = stamp;
  return made;
}

function change(event) {
  const text = JSON.stringify({ before: event.before, after: event.after }, null, 2);
  return element("details", element("summary", event.type), element("pre", text));
}

function row(name, event) {
  const cells = [
    String(event.position),
    time(event.recorded_at),
    name,
    event.model ?? "",
    event.field ?? "",
    [event.actor, event.source].filter(Boolean).join(", "),
    change(event),
  ];
  const made = element("tr", ...cells.map((cell) => element("td", cell)));
  made.dataset.position = event.position;
  return made;
}

function receive(event, name) {
  rows.prepend(row(name, event));
  while (rows.rows.length > kept) {
    rows.lastElementChild.remove();
  }
}

follow(page.dataset.stream, {
  after: Number(page.dataset.head),
  onEvent: receive,
  onState: show,
  onReset: () => show("live", RESET),
});
