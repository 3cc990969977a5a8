// The model editor: hides what does not apply, adds and moves rows, and keeps the plan up to date.
// Everything it does can be done without it; the server plans, and nothing is decided here.

import { handle } from "./dragging.js";

const PAUSE = 400;

const editor = document.getElementById("dynamo-editor");
const form = editor.querySelector("form");
const list = editor.querySelector(".dynamo-rows");
const types = new Map(
  [...editor.querySelectorAll("[data-type]")].map((one) => [
    one.dataset.type,
    {
      options: one.dataset.options.split(" "),
      relation: one.dataset.relation === "yes",
      says: one.querySelector("dd").textContent.trim().replace(/\s+/g, " "),
    },
  ]),
);

function input(row, name) {
  return row.querySelector(`[name="${row.id}-${name}"]`);
}

function rows() {
  return [...list.children].filter((row) => input(row, "type"));
}

// -- what applies to a type ---------------------------------------------------------------------

function fit(row) {
  const type = types.get(input(row, "type").value);
  for (const option of row.querySelectorAll("[data-option]")) {
    option.hidden = !type?.options.includes(option.dataset.option);
  }
  const options = row.querySelector(".dynamo-options");
  options.hidden = !options.querySelector("[data-option]:not([hidden])");
  show(row, "related_model", type?.relation ?? false);
  show(row, "choices", !type?.relation);
  show(row, "default", !type?.relation);
  const says = row.querySelector(".dynamo-says");
  says.hidden = !type;
  says.textContent = type?.says ?? "";
}

// An error is never hidden, whatever it is about.
function show(row, name, applies) {
  const found = row.querySelector(`[data-input="${name}"]`);
  found.hidden = !applies && !found.classList.contains("errors") && !input(row, name).value;
}

// -- rows ---------------------------------------------------------------------------------------

function add() {
  const total = form.elements["fields-TOTAL_FORMS"];
  const template = document.getElementById("dynamo-new-row");
  const markup = template.innerHTML.replaceAll("__prefix__", total.value);
  const holder = document.createElement("template");
  holder.innerHTML = markup;
  list.append(holder.content);
  total.value = Number(total.value) + 1;
  const row = rows().at(-1);
  prepare(row);
  input(row, "name").focus();
}

function button(text, direction, row) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "button";
  made.textContent = direction < 0 ? "↑" : "↓";
  made.setAttribute("aria-label", text);
  made.title = text;
  made.addEventListener("click", () => move(row, direction));
  return made;
}

function move(row, direction) {
  const all = rows();
  const other = all[all.indexOf(row) + direction];
  if (!other) {
    told(row);
    return;
  }
  const focused = document.activeElement;
  if (direction < 0) other.before(row);
  else other.after(row);
  focused.focus();
  moved(row);
}

function moved(row) {
  renumber();
  told(row);
  ask();
}

// Also where a row is at the end already and stays.
function told(row) {
  const place = rows().indexOf(row) + 1;
  document.getElementById("dynamo-moved").textContent = `${editor.dataset.moved} ${place}`;
}

// Each keeps its number where the numbers are in order already, so that only what moved is changed.
function renumber() {
  const used = rows().filter((row) => input(row, "name").value);
  const numbers = used.map((row) => Number(input(row, "order").value || NaN));
  const sorted = [...numbers].sort((a, b) => a - b);
  const usable = sorted.every((n, i) => !Number.isNaN(n) && (i === 0 || n > sorted[i - 1]));
  used.forEach((row, place) => {
    input(row, "order").value = usable ? sorted[place] : place;
  });
}

function prepare(row) {
  const order = input(row, "order").parentElement;
  const moves = document.createElement("div");
  moves.className = "dynamo-moves";
  moves.append(handle(row, () => moved(row)), button(editor.dataset.up, -1, row), button(editor.dataset.down, 1, row));
  order.append(moves);
  row.addEventListener("keydown", (event) => {
    const direction = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!event.altKey || !direction) return;
    event.preventDefault();
    move(row, direction);
  });
  input(row, "type").addEventListener("change", () => fit(row));
  fit(row);
}

// A page sends only so many inputs (Django's DATA_UPLOAD_MAX_NUMBER_FIELDS), so rows that nobody touched are
// left out but for their key, and so is what is hidden in the others.
form.addEventListener("formdata", ({ formData }) => {
  for (const row of list ? rows() : []) {
    const left = row.dataset.stored === "" && !touched(row) ? "*" : "[data-option][hidden] *";
    for (const one of row.querySelectorAll(left)) {
      if (one.name?.startsWith(`${row.id}-`) && one.name !== `${row.id}-id`) formData.delete(one.name);
    }
  }
});

function touched(row) {
  return [...row.querySelectorAll("input, select, textarea")].some((one) => {
    if (one.type === "checkbox" || one.type === "radio") return one.checked !== one.defaultChecked;
    if (one.tagName === "SELECT") {
      return [...one.options].some((o) => o.selected !== o.defaultSelected && (o.selected || o.value));
    }
    return one.value !== one.defaultValue;
  });
}

// -- the plan -----------------------------------------------------------------------------------

let waiting = 0;
let asking = new AbortController();

function ask() {
  clearTimeout(waiting);
  waiting = setTimeout(plan, PAUSE);
}

async function plan() {
  asking.abort();
  asking = new AbortController();
  const body = new FormData(form);
  let markup;
  try {
    const answer = await fetch(editor.dataset.plan, { method: "POST", body, signal: asking.signal });
    if (!answer.ok) throw new Error(answer.status);
    markup = await answer.text();
  } catch (error) {
    if (error.name !== "AbortError") tell(editor.dataset.failed);
    return;
  }
  place(new DOMParser().parseFromString(markup, "text/html"));
}

// What a person is typing into stays where it is.
function place(page) {
  const old = document.getElementById("plan");
  const fresh = document.adoptNode(page.getElementById("plan"));
  for (const told of fresh.querySelectorAll("template[data-badges]")) {
    const shown = list.querySelector(`[data-badges="${told.dataset.badges}"]`);
    shown?.replaceChildren(told.content);
    told.remove();
  }
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  const open = old.querySelector("details")?.open ?? false;
  const typed = old.querySelector("[name=confirmation]")?.value;
  old.replaceWith(fresh);
  const details = fresh.querySelector("details");
  if (details) details.open = open;
  const confirmation = fresh.querySelector("[name=confirmation]");
  if (confirmation && typed) confirmation.value = typed;
  if (focused?.id) {
    const again = document.getElementById(focused.id);
    again?.focus();
    if (again && "selectionStart" in focused && focused.type !== "number") {
      again.setSelectionRange?.(focused.selectionStart, focused.selectionEnd);
    }
  }
}

function tell(text) {
  const note = document.createElement("p");
  note.className = "errornote";
  note.setAttribute("role", "alert");
  note.textContent = text;
  document.getElementById("plan").replaceChildren(note);
}

if (list && form.elements["fields-TOTAL_FORMS"]) {
  rows().forEach(prepare);
  document.getElementById("dynamo-add-row")?.addEventListener("click", (event) => {
    event.preventDefault();
    add();
  });
  form.addEventListener("input", (event) => {
    if (!["confirmation", "reason"].includes(event.target.name)) ask();
  });
  form.addEventListener("submit", () => {
    clearTimeout(waiting);
    asking.abort();
  });
  // What was typed before this module was there, or is typed anew by a browser that goes back.
  if (rows().some(touched)) ask();
}
