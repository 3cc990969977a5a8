// The list of models: says when something newer was recorded, and leaves the rows where they are.

import { poll } from "./polling.js";
import { follow } from "./stream.js";

// A list that has to ask is in no hurry.
const SLOWER = 5;

const note = document.getElementById("dynamo-newer");
const texts = note.dataset;
const link = note.querySelector("a");
const changes = new Set();
let position = Number(texts.head);
let stream = null;

function onEvent(event) {
  position = event.position;
  changes.add(event.batch_id);
  const count = changes.size;
  const text = count === 1 ? texts.one : texts.many.replace("{count}", count);
  note.querySelector("span").textContent = `${text} –`;
  link.hidden = false;
}

// Lists that nobody looks at hold no connection: a browser has only a few of them for each site.
function watch() {
  if (document.hidden) {
    stream?.close();
    stream = null;
  } else {
    stream ??= follow(texts.stream, { after: position, onEvent });
  }
}

if (texts.mode === "poll") {
  const nothing = () => {};
  poll(texts.polled, {
    after: position,
    seconds: Number(texts.seconds) * SLOWER,
    onEvent,
    onState: nothing,
    onReset: nothing,
  });
} else {
  document.addEventListener("visibilitychange", watch);
  watch();
}
