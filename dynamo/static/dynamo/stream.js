// Follow the schema from a browser: events as they are recorded, each once and in order.
//
//     import { follow } from "./stream.js";
//     const stream = follow("/dynamo/events/?model=shop.Book", {
//       after: 0,
//       onEvent: (event, name) => console.log(event.position, name, event.model, event.field),
//     });
//     stream.close();
//
// `after` is the position to go on from: 0 for all history, null for what comes from now on. `event` is the
// data of a frame, `name` the Dynamo signal. `onState(state, text)` is told "connecting", "live",
// "reconnecting" and "closed"; closed is for good. `onReset(position)` is told when the log was reset or
// restored and ends there: what was made of later events is not true any more.

// EventSource gives an event only to those who listen for its name.
export const NAMES = [
  "post_model_creation",
  "post_model_update",
  "post_model_delete",
  "post_field_creation",
  "post_field_update",
  "post_field_delete",
  "registry_rolled_back",
  "registry_tagged",
  "registry_imported",
];

const FIRST_DELAY = 1000;
const LONGEST_DELAY = 30000;
// Answers that may be other ones a moment later.
const BUSY = new Set([408, 425, 429]);

export function follow(address, options = {}) {
  return new Following(new URL(address, document.baseURI), options);
}

class Following {
  constructor(address, { after = null, onEvent = () => {}, onState = () => {}, onReset = () => {} }) {
    this.address = address;
    // Positions ascend, so one number tells what was given already.
    this.position = after;
    this.delay = FIRST_DELAY;
    this.told = { onEvent, onState, onReset };
    this.source = null;
    this.timer = null;
    this.closed = false;
    this.online = () => this.again();
    addEventListener("online", this.online);
    onState("connecting", "");
    this.connect();
  }

  close(text = "") {
    this.closed = true;
    clearTimeout(this.timer);
    removeEventListener("online", this.online);
    this.source?.close();
    this.told.onState("closed", text);
  }

  connect() {
    if (this.position !== null) {
      this.address.searchParams.set("from", String(this.position));
    }
    const source = new EventSource(this.address);
    this.source = source;
    source.addEventListener("stream-open", (message) => {
      this.delay = FIRST_DELAY;
      this.passed(message);
      this.told.onState("live", "");
    });
    source.addEventListener("keep-alive", (message) => this.passed(message));
    source.addEventListener("stream-reset", (message) => {
      this.position = Number(message.lastEventId);
      this.told.onReset(this.position);
    });
    source.addEventListener("stream-error", (message) => {
      // A session that was renewed, as by logging in again, may go on; any other is told so by the answer.
      if (JSON.parse(message.data).condition === "forbidden") {
        source.close();
        this.lost(source);
      }
    });
    source.addEventListener("error", () => this.lost(source));
    for (const name of NAMES) {
      source.addEventListener(name, (message) => this.receive(message));
    }
  }

  passed(message) {
    this.position = Math.max(this.position ?? 0, Number(message.lastEventId));
  }

  receive(message) {
    const position = Number(message.lastEventId);
    if (this.position !== null && position <= this.position) {
      return;
    }
    this.position = position;
    this.told.onEvent(JSON.parse(message.data), message.type);
  }

  // The browser resumes by itself after a cut connection, but gives up for good after any other answer than
  // 200, which a restarting server or its proxy may give.
  lost(source) {
    if (this.closed || source !== this.source) {
      return;
    }
    this.told.onState("reconnecting", "");
    if (source.readyState === EventSource.CLOSED) {
      this.later(() => this.ask());
    }
  }

  later(call) {
    // Spread, so that those whom a restart cut off do not all come back at once.
    this.timer = setTimeout(() => {
      this.timer = null;
      call();
    }, this.delay * (0.5 + Math.random()));
    this.delay = Math.min(this.delay * 2, LONGEST_DELAY);
  }

  // The network is back: what was waited for so long was that.
  again() {
    if (this.timer !== null) {
      clearTimeout(this.timer);
      this.timer = null;
      this.delay = FIRST_DELAY;
      this.ask();
    }
  }

  // EventSource does not tell what the answer was, so it is asked for once more.
  async ask() {
    const asked = new AbortController();
    try {
      const answer = await fetch(this.address, { signal: asked.signal });
      if (answer.status >= 400 && answer.status < 500 && !BUSY.has(answer.status)) {
        this.close(await answer.text());
      } else if (answer.ok) {
        this.connect();
      } else {
        this.later(() => this.ask());
      }
    } catch {
      this.later(() => this.ask());
    } finally {
      asked.abort();
    }
  }
}
