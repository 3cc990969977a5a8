// The live page: schema events as they come, newest first, each once.

import { poll } from "./polling.js";
import { follow } from "./stream.js";

const page = document.getElementById("dynamo-live");
const texts = page.dataset;
const state = page.querySelector("[data-state]");
const note = page.querySelector(".dynamo-live-note");
const pausing = page.querySelector("[data-pausing]");
const rows = page.querySelector("tbody");
const columns = page.querySelectorAll("thead th").length;
const kept = Number(texts.kept);

// Rows that came while the page is paused, oldest first.
let waiting = [];
let paused = false;

function show(name, text = "") {
  if (name === "live" && state.dataset.state === "reconnecting" && rows.rows.length > 0) {
    add(gap());
  }
  state.dataset.state = name;
  state.textContent = texts[name];
  note.textContent = text;
}

function element(name, ...children) {
  const made = document.createElement(name);
  made.append(...children);
  return made;
}

function gap() {
  const cell = element("td", texts.gap);
  cell.colSpan = columns;
  const made = element("tr", cell);
  made.className = "dynamo-live-gap";
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

// Rows never move while somebody reads them.
function add(made) {
  if (paused) {
    waiting = [...waiting, made].slice(-kept);
    note.textContent = `${waiting.length} ${texts.waiting}`;
    return;
  }
  rows.prepend(made);
  while (rows.rows.length > kept) {
    rows.lastElementChild.remove();
  }
}

pausing.hidden = false;
pausing.addEventListener("click", () => {
  paused = !paused;
  pausing.setAttribute("aria-pressed", String(paused));
  pausing.textContent = paused ? texts.resume : texts.pause;
  if (!paused) {
    const held = waiting;
    waiting = [];
    note.textContent = "";
    held.forEach(add);
  }
});

const told = {
  after: Number(texts.head),
  onEvent: (event, name) => add(row(name, event)),
  onState: show,
  onReset: () => show(state.dataset.state, texts.reset),
};
if (texts.mode === "poll") {
  poll(texts.polled, { ...told, seconds: Number(texts.seconds) });
} else {
  follow(texts.stream, told);
}

// Snippets are copied by a button; where a browser does not let pages copy, they are selected to be copied.
function copying(snippet) {
  const button = element("button", texts.copy);
  button.type = "button";
  button.className = "button";
  button.setAttribute("aria-describedby", snippet.getAttribute("aria-labelledby"));
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(snippet.textContent);
      button.textContent = texts.copied;
    } catch {
      getSelection().selectAllChildren(snippet);
    }
  });
  snippet.after(button);
}

page.querySelectorAll(".dynamo-live-subscribe pre").forEach(copying);
