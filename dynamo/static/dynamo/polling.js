// Ask for schema events again and again, where the server cannot stream. The same callbacks as `follow` has.

const LONGEST_DELAY = 30000;

export function poll(address, { after, seconds, onEvent, onState, onReset }) {
  const asked = new URL(address, document.baseURI);
  const pause = seconds * 1000;
  let position = after;
  let delay = pause;

  async function ask() {
    asked.searchParams.set("from", String(position));
    const answer = await fetch(asked);
    if (answer.status === 401 || answer.status === 403) {
      onState("closed", await answer.text());
      return false;
    }
    if (!answer.ok) {
      throw new Error(String(answer.status));
    }
    const found = await answer.json();
    delay = pause;
    onState("polling", "");
    if (found.reset) {
      onReset(found.position);
    }
    for (const { name, data } of found.events) {
      onEvent(data, name);
    }
    const more = found.position > position && found.events.length > 0;
    position = found.position;
    setTimeout(turn, more ? 0 : pause);
    return true;
  }

  async function turn() {
    try {
      await ask();
    } catch {
      onState("reconnecting", "");
      setTimeout(turn, delay * (0.5 + Math.random()));
      delay = Math.min(delay * 2, LONGEST_DELAY);
    }
  }

  turn();
}
