// Rows that are put elsewhere with mouse, pen or finger. Buttons and keys do the same for everybody else.

// So near to the edge of the window, the page scrolls along.
const EDGE = 40;

function middle(row) {
  const box = row.getBoundingClientRect();
  return box.top + box.height / 2;
}

// The others move around the dragged row, which stays in the page: taken out, it would lose the pointer.
function makeRoom(row, y) {
  let other;
  while ((other = row.previousElementSibling) && y < middle(other)) row.after(other);
  while ((other = row.nextElementSibling) && y > middle(other)) row.before(other);
}

function scrollAlong(y) {
  if (y < EDGE) window.scrollBy(0, -EDGE);
  else if (y > window.innerHeight - EDGE) window.scrollBy(0, EDGE);
}

function drag(row, y) {
  scrollAlong(y);
  makeRoom(row, y);
}

// What a row is taken by; `dropped` is called when it is let go somewhere else.
export function handle(row, dropped) {
  const made = document.createElement("span");
  made.className = "dynamo-handle";
  made.textContent = "⠿";
  made.setAttribute("aria-hidden", "true");
  made.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    const before = [...row.parentElement.children];
    const dragging = new AbortController();
    const follow = { signal: dragging.signal };
    made.setPointerCapture(event.pointerId);
    row.classList.add("dynamo-dragged");
    made.addEventListener("pointermove", ({ clientY }) => drag(row, clientY), follow);
    made.addEventListener("pointercancel", () => row.parentElement.replaceChildren(...before), follow);
    made.addEventListener(
      "lostpointercapture",
      () => {
        dragging.abort();
        row.classList.remove("dynamo-dragged");
        if (before.some((one, place) => one !== row.parentElement.children[place])) dropped();
      },
      follow,
    );
  });
  return made;
}
