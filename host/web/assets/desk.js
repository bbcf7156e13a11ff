// Keys at the desk: each presses what can be seen on the page, so no key can do more than a mouse.
// They can be switched off under "My settings".

const isTyping = (element) =>
  element?.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]") != null;
const isApple = /Mac|iPhone|iPad/.test(navigator.platform);
// Half of a letter that is being composed is no key.
const isComposing = (event) => event.isComposing || event.keyCode === 229;
const isSeen = (element) => element.checkVisibility({ visibilityProperty: true });
const keyed = () => [...document.querySelectorAll("[data-key]")];

// Rows of the list: the link of each.
const links = () => [...document.querySelectorAll("main tbody th a")].filter(isSeen);

const press = (element) => {
  if (element.matches("summary")) {
    const details = element.parentElement;
    details.open = !details.matches(".menu") || !details.open;
    (details.querySelector("textarea, ul a") ?? element).focus();
  } else if (element.matches("a, button")) {
    element.click();
  } else {
    element.focus();
    element.scrollIntoView({ block: "nearest" });
  }
};

const step = (by) => {
  const all = links();
  const at = all.indexOf(document.activeElement?.closest("tr")?.querySelector("th a"));
  const next = at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1);
  all[next]?.focus();
};

// Selecting: one row by its key, several with Shift, by key or by mouse.
let last = null;
const boxes = () => [...document.querySelectorAll("td.pick input")];
const selectTo = (box, isRange) => {
  const all = boxes();
  const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((one, other) => one - other);
  if (isRange && last && from >= 0) for (const one of all.slice(from, to + 1)) one.checked = box.checked;
  last = box;
};
document.addEventListener("click", (event) => {
  if (event.target.matches("td.pick input")) selectTo(event.target, event.shiftKey);
});

// The neighbours of a ticket in the list it was opened from.
const LIST = "list";
if (links().length > 0 && document.querySelector("td.pick")) {
  const at = location.pathname + location.search;
  try {
    sessionStorage.setItem(LIST, JSON.stringify({ at, all: links().map((link) => link.pathname) }));
  } catch {
    // Without it, a ticket has no neighbors.
  }
}
const listed = () => {
  try {
    return JSON.parse(sessionStorage.getItem(LIST));
  } catch {
    return null;
  }
};
const among = document.getElementById("among");
const list = listed();
if (among && Array.isArray(list?.all)) {
  const here = list.all.indexOf(location.pathname);
  const [previous, next, back] = among.querySelectorAll("a");
  const lead = (link, to) => (to ? link.setAttribute("href", to) : link.remove());
  lead(back, list.at);
  lead(previous, here > 0 ? list.all[here - 1] : null);
  lead(next, here >= 0 ? list.all[here + 1] : null);
  among.querySelector("span").textContent = here >= 0 ? `${here + 1} / ${list.all.length}` : "";
  among.hidden = false;
}

// The palette: every link and button of the page, found by its words.
const palette = document.getElementById("palette");
const input = palette.querySelector("input");
const found = palette.querySelector("ul");
const nothing = palette.querySelector("[role=status]");
let offers = [];
const words = (element) => element.textContent.replace(/\s+/g, " ").trim();
const label = (element) => {
  const number = element.closest("tbody tr")?.querySelector("td.number");
  return number ? `${words(number)} ${words(element)}` : words(element);
};
const gather = () => {
  const labels = new Set();
  const isOffered = (element) => {
    const name = label(element);
    if (!name || labels.has(name) || !(isSeen(element) || element.closest(".menu, .places"))) return false;
    return labels.add(name);
  };
  const all = document.querySelectorAll("main a[href], main button, main summary, header a[href], header button, .places a");
  return [...all].filter(isOffered);
};
const show = () => {
  const sought = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = offers.filter((offer) => sought.every((word) => label(offer).toLowerCase().includes(word)));
  found.replaceChildren(
    ...fits.slice(0, 12).map((offer) => {
      const [item, button] = [document.createElement("li"), document.createElement("button")];
      button.type = "button";
      button.textContent = label(offer);
      if (offer.dataset.key) {
        const key = document.createElement("kbd");
        key.textContent = offer.dataset.key;
        button.append(" ", key);
      }
      button.addEventListener("click", () => {
        palette.close();
        press(offer);
      });
      item.append(button);
      return item;
    }),
  );
  nothing.hidden = fits.length > 0;
};
const open = () => {
  offers = gather();
  input.value = "";
  show();
  palette.showModal();
  input.focus();
};
input.addEventListener("input", show);
palette.addEventListener("keydown", (event) => {
  if (isComposing(event)) return;
  // A field to search in keeps the first press for itself.
  if (event.key === "Escape") return void (event.preventDefault(), palette.close());
  const all = [input, ...found.querySelectorAll("button")];
  const at = all.indexOf(document.activeElement);
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    all[Math.min(Math.max(at + (event.key === "ArrowDown" ? 1 : -1), 0), all.length - 1)].focus();
  } else if (event.key === "Enter" && document.activeElement === input) {
    event.preventDefault();
    all[1]?.click();
  }
});

// The list of keys: what is on this page.
const help = document.getElementById("keys");
const showKeys = () => {
  const rows = help.querySelector("dl");
  for (const row of rows.querySelectorAll("[data-found]")) row.remove();
  const known = new Set();
  for (const element of keyed()) {
    const key = element.dataset.key;
    if (known.has(key) || (!isSeen(element) && !element.closest(".menu, .places"))) continue;
    known.add(key);
    const [row, term, meaning] = ["div", "dt", "dd"].map((name) => document.createElement(name));
    row.dataset.found = "";
    for (const part of key === " " ? [key] : key.split(" ")) {
      const kbd = document.createElement("kbd");
      kbd.textContent = part === "Escape" ? "Esc" : part;
      term.append(kbd, " ");
    }
    meaning.textContent =
      element.labels?.[0]?.textContent ?? label(element.matches("section") ? element.querySelector("h2") : element);
    row.append(term, meaning);
    rows.append(row);
  }
  help.showModal();
};

let first = null;
addEventListener("keydown", (event) => {
  if (isComposing(event)) return;
  const active = document.activeElement;
  const isAltGr = event.getModifierState("AltGraph");
  if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey) {
    // On Apple's systems Ctrl K is a key of every field.
    if (event.key === "k" && event.metaKey === isApple) {
      event.preventDefault();
      if (!palette.open && !help.open) open();
    } else if (event.key === "Enter" && active?.form) {
      event.preventDefault();
      active.form.requestSubmit();
    }
    return;
  }
  // With AltGr people write what their keyboard has no key of its own for.
  if ((event.ctrlKey || event.metaKey || event.altKey) && !isAltGr) return;
  if (palette.open || help.open) return;
  if (isTyping(active)) {
    if (event.key === "Escape") active.blur();
    return;
  }
  const menu = document.querySelector("details.menu[open]");
  if (event.key === "Escape" && menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
    return;
  }
  const before = first;
  first = null;
  const wanted = before ? `${before} ${event.key}` : event.key;
  if (wanted === "?") return void (event.preventDefault(), showKeys());
  if (wanted === "j" || wanted === "k") return void (event.preventDefault(), step(wanted === "j" ? 1 : -1));
  if (wanted === "x" || wanted === "X") {
    const box = active?.closest("tr")?.querySelector("td.pick input");
    if (!box) return;
    event.preventDefault();
    box.checked = wanted === "X" || !box.checked;
    selectTo(box, wanted === "X");
    return;
  }
  const element = keyed().find((one) => one.dataset.key === wanted && (isSeen(one) || one.closest(".menu, .places")));
  if (element) {
    event.preventDefault();
    press(element);
  } else if (keyed().some((one) => one.dataset.key.startsWith(`${wanted} `))) {
    first = wanted;
    setTimeout(() => (first = null), 1500);
  }
});

// A form of its own begins with its first field.
document.querySelector("form[data-begin]")?.querySelector("input:not([type=hidden]), select, textarea, button")?.focus();

const button = document.getElementById("show-keys");
button.hidden = false;
button.addEventListener("click", showKeys);
