// The live page: schema events as they come, newest first, each once.

const FIRST_DELAY = 1000;
const LONGEST_DELAY = 30000;

const page = document.getElementById("dynamo-live");
const state = page.querySelector("[data-state]");
const note = page.querySelector(".dynamo-live-note");
const rows = page.querySelector("tbody");
const kept = Number(page.dataset.kept);
const names = JSON.parse(document.getElementById("dynamo-frame-names").textContent);
const stream = new URL(page.dataset.stream, location.href);

// Positions ascend, so one number tells what was shown already.
let last = Number(page.dataset.head);
let delay = FIRST_DELAY;

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

function receive(message) {
  const position = Number(message.lastEventId);
  if (position <= last) {
    return;
  }
  last = position;
  rows.prepend(row(message.type, JSON.parse(message.data)));
  while (rows.rows.length > kept) {
    rows.lastElementChild.remove();
  }
}

// The browser resumes by itself after a cut connection, but gives up for good after any other answer than
// 200, which a restarting server or its proxy may give.
function reconnect(source) {
  show("reconnecting");
  if (source.readyState === EventSource.CLOSED) {
    setTimeout(connect, delay);
    delay = Math.min(delay * 2, LONGEST_DELAY);
  }
}

function connect() {
  stream.searchParams.set("from", String(last));
  const source = new EventSource(stream);
  source.addEventListener("stream-open", () => {
    delay = FIRST_DELAY;
    show("live");
  });
  source.addEventListener("stream-reset", (message) => {
    last = Number(message.lastEventId);
    show("live", "The log was reset or restored; events before this moment are not shown.");
  });
  source.addEventListener("stream-error", (message) => {
    const error = JSON.parse(message.data);
    if (error.condition === "forbidden") {
      source.close();
      show("closed", error.text);
    }
  });
  source.addEventListener("error", () => reconnect(source));
  for (const name of names) {
    source.addEventListener(name, receive);
  }
}

connect();
