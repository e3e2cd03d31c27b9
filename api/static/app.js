// What a script adds to pages that work without one: a part that refreshes itself, keys, choosing all, one click once.

import "htmx.org";
import { listenToKeys } from "./keys.js";

// What only a script can do is shown only where one runs.
document.documentElement.classList.add("scripted");

// A refusal stands on top of the page: readers by ear and by keyboard begin there.
document.querySelector("[data-focus]")?.focus();

// Two clicks are one: the button says that it works, and the form goes once.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-once]")) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  // After the browser has read the form: a disabled button's own value would not be sent.
  setTimeout(() => {
    for (const button of form.querySelectorAll("button[type=submit]")) {
      button.disabled = true;
      if (button === event.submitter && button.dataset.busy) button.textContent = button.dataset.busy;
    }
  });
});

// A page that the browser shows again from its memory must be usable again.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

const all = document.querySelector("[data-choose-all]");
const told = document.querySelector("[data-chosen]");
const boxes = [...document.querySelectorAll("input[name=tasks][type=checkbox]")];

function count() {
  const chosen = boxes.filter((box) => box.checked).length;
  if (all) {
    all.checked = chosen === boxes.length;
    all.indeterminate = chosen > 0 && chosen < boxes.length;
  }
  if (told) {
    told.textContent = told.dataset.words.replace("§", chosen);
  }
}

all?.addEventListener("change", () => {
  for (const box of boxes) box.checked = all.checked;
  count();
});
for (const box of boxes) box.addEventListener("change", count);
if (boxes.length) count();

// The route fits its card; larger, one can read every box, and begins where the case stands. Asked of the document, because
// the part of the page that holds it is replaced while the system works.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-larger]");
  if (!button) return;
  const diagram = document.querySelector("[data-diagram]");
  const large = diagram.classList.toggle("large");
  button.setAttribute("aria-pressed", String(large));
  if (large) diagram.querySelector(".waiting")?.scrollIntoView({ block: "nearest", inline: "center" });
});

const filter = document.querySelector("[data-filter]");
filter?.addEventListener("input", () => {
  const wanted = folded(filter.value);
  for (const line of document.querySelectorAll("[data-line]")) line.hidden = !folded(line.textContent).includes(wanted);
});

/** As people type who are in a hurry: without marks, đ as d. */
function folded(text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").replace(/[đĐ]/g, "d").toLowerCase().trim();
}

listenToKeys();
