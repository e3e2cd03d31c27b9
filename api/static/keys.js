// Keys for people who sign all day. "?" lists them. None of them signs: that takes the PIN and its button.

const PLACES = { h: "/inbox", c: "/cases", v: "/verify" };

export function listenToKeys() {
  const help = document.querySelector("[data-keys]");
  document.querySelector("[data-keys-open]")?.addEventListener("click", () => help?.showModal());

  document.addEventListener("keydown", (event) => {
    // Letters belong to whoever is typing; Ctrl, Alt and Meta belong to the browser.
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    const act = ACTIONS[event.key];
    if (act) {
      act(event, help);
    } else if (event.key in PLACES && document.querySelector(`[data-key="${event.key}"]`)) {
      location.assign(PLACES[event.key]);
    }
  });
}

const ACTIONS = {
  "?": (event, help) => help?.showModal(),
  "/": (event) => focus(event, "[data-filter]"),
  p: (event) => focus(event, "[data-pin]"),
  j: () => move(1),
  k: () => move(-1),
  x: () => current()?.querySelector("input[type=checkbox]")?.click(),
  a: () => document.querySelector("[data-choose-all]")?.click(),
};

function typing(target) {
  return target.matches("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
}

function focus(event, selector) {
  const field = document.querySelector(selector);
  if (!field) return;
  event.preventDefault();
  field.focus();
}

/** The line whose link holds the focus; Enter opens it, as with any link. */
function current() {
  return document.activeElement?.closest("[data-line]");
}

function move(step) {
  const lines = [...document.querySelectorAll("[data-line]")].filter((line) => !line.hidden);
  if (!lines.length) return;
  const at = lines.indexOf(current());
  const next = lines[at < 0 ? 0 : Math.min(lines.length - 1, Math.max(0, at + step))];
  next.querySelector("a")?.focus();
}
