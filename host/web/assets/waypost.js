// What pages do better with a script. Every page works without it.

// A second press of a button sends nothing: the first is on its way. After a while it may have been
// lost.
const ON_ITS_WAY_MS = 5000;
addEventListener("submit", (event) => {
  if (event.target.method !== "post") return;
  const { dataset } = event.submitter ?? event.target;
  const now = performance.now();
  if (now - Number(dataset.sent ?? -Infinity) < ON_ITS_WAY_MS) {
    event.preventDefault();
  } else {
    dataset.sent = String(now);
  }
});

const who = document.body.dataset.who;

// Back shows a page as it was left. Whoever has signed out meanwhile, or is somebody else, is not
// to be shown it; whoever is still the same keeps what they have typed.
addEventListener("pageshow", async (event) => {
  if (!event.persisted) return;
  for (const pressed of document.querySelectorAll("[data-sent]")) delete pressed.dataset.sent;
  if (!who) return;
  document.documentElement.hidden = true;
  const answer = await fetch(location.href, { method: "HEAD", redirect: "manual" }).catch(() => null);
  const viewer = answer?.headers.get("waypost-viewer");
  if (answer && (answer.type === "opaqueredirect" || (viewer && viewer !== who))) {
    location.replace(location.pathname + location.search);
  } else {
    document.documentElement.hidden = false;
  }
});

// What a browser keeps, where it keeps anything at all.
const storage = (kind) => {
  try {
    return window[kind];
  } catch {
    return null;
  }
};
const [kept, tab] = [storage("localStorage"), storage("sessionStorage")];

// Drafts: what was typed and not sent is there again when the page is. It is kept in this browser,
// for its writer only, for a week; signing out removes it.
const DRAFT = "draft:";
const WEEK = 7 * 24 * 3600 * 1000;
const own = `${DRAFT}${who}:`;
const HAS_DRAFTS = "main form[method=post]:not([data-no-draft])";
const TEXT = "textarea:not([readonly]), input[type=text]";
// What is chosen goes with what is written: a form of choices alone is filled again soon.
const isKept = (field) =>
  field.name &&
  field.form.querySelector(TEXT) &&
  field.matches(`${TEXT}, select, input:is([type=radio], [type=checkbox], [type=number], [type^=date])`);
const isPick = (field) => field.matches("[type=radio], [type=checkbox]");
// Of buttons with one name, each has a place of its own.
const placeOf = (field) => (isPick(field) ? `${field.name}=${field.value}` : field.name);
const valueOf = (field) => (isPick(field) ? field.checked : field.value);
const firstOf = (field) => {
  if (isPick(field)) return field.defaultChecked;
  if (field.matches("select")) return (field.querySelector("[selected]") ?? field.options[0])?.value;
  return field.defaultValue;
};
const fill = (field, value) => {
  field[isPick(field) ? "checked" : "value"] = value;
};
// What can't be chosen any more is not; of buttons of which one is on, the browser turns off the others.
const canTake = (field, value) => {
  if (field.type === "radio") return value === true;
  return !field.options || [...field.options].some((option) => option.value === value);
};
// A form is the same one wherever it is shown: it is sent to the same address.
const keyOf = (form) => own + new URL(form.getAttribute("action") ?? location.href, location.href).pathname;
// At the desk, a form is sent with what it was shown at, so that what others changed is noticed and
// both are shown. Elsewhere there is nobody else to show.
const isShownAt = (name) => document.body.matches(".desk") && /^(_version|_seen|_was\/)/.test(name);

const read = (key) => {
  try {
    const draft = JSON.parse(kept.getItem(key));
    return draft?.texts && draft?.shown ? draft : null;
  } catch {
    return null;
  }
};

const keep = (form) => {
  const [texts, shown, before] = [{}, {}, read(keyOf(form))?.texts ?? {}];
  // A form that was refused or looked at first comes back filled in: what the draft has stays in it.
  const isOwn = (field) => valueOf(field) !== firstOf(field) || (placeOf(field) in before && valueOf(field));
  for (const field of form.elements) {
    if (isKept(field) && isOwn(field)) texts[placeOf(field)] = valueOf(field);
    else if (field.type === "hidden" && isShownAt(field.name)) shown[field.name] = field.value;
  }
  try {
    if (Object.keys(texts).length === 0) kept.removeItem(keyOf(form));
    else kept.setItem(keyOf(form), JSON.stringify({ at: Date.now(), texts, shown }));
  } catch {
    // Without room nothing is kept.
  }
};

const restore = (form) => {
  const draft = read(keyOf(form));
  if (!draft) return false;
  const taken = new Set();
  let isBack = false;
  for (const field of form.elements) {
    const place = isKept(field) && placeOf(field);
    if (!place || !(place in draft.texts) || !canTake(field, draft.texts[place])) continue;
    taken.add(field.name);
    if (valueOf(field) === draft.texts[place]) continue;
    isBack = true;
    fill(field, draft.texts[place]);
    field.closest("details")?.setAttribute("open", "");
  }
  for (const field of form.elements) {
    const { name, type } = field;
    if (type !== "hidden" || !isShownAt(name) || !(name in draft.shown)) continue;
    // Of what the draft says nothing about, the page is right.
    if (!name.startsWith("_was/") || taken.has(name.slice(5))) field.value = draft.shown[name];
  }
  return isBack;
};

if (who && kept && tab) {
  const page = document.getElementById("work");
  // A form has no draft any more once a page says that it was carried out.
  const sent = tab.getItem("sent");
  if (sent && "done" in page.dataset) kept.removeItem(sent);
  tab.removeItem("sent");
  for (const key of Object.keys(kept)) {
    const isOwn = key.startsWith(own) && Date.now() - (read(key)?.at ?? 0) < WEEK;
    if (key.startsWith(DRAFT) && !isOwn) kept.removeItem(key);
  }
  // A form that was refused is shown with what was typed already.
  const isRefused = document.querySelector("[data-refused]") !== null;
  const back = isRefused ? [] : [...document.querySelectorAll(HAS_DRAFTS)].filter(restore);
  const said = document.getElementById("draft-said");
  if (said && back.length > 0) {
    document.getElementById("draft").append(said.content.cloneNode(true));
    document.querySelector("#draft button").addEventListener("click", () => {
      for (const form of back) {
        kept.removeItem(keyOf(form));
        for (const field of form.elements) if (isKept(field)) fill(field, firstOf(field));
      }
      location.reload();
    });
  }
  addEventListener("input", (event) => {
    if (event.target.form?.matches(HAS_DRAFTS)) keep(event.target.form);
  });
  addEventListener("submit", (event) => {
    if (!event.defaultPrevented && event.target.matches(HAS_DRAFTS)) tab.setItem("sent", keyOf(event.target));
  });
}

// Hints: when something has changed, the page asks for itself and shows what is new. Without a line
// for hints it looks from time to time.
const news = document.getElementById("news");
const POLL_MS = 30_000;
if (news && "EventSource" in window) {
  let source = null;
  let polling = null;
  let soon = null;
  let isLooking = false;
  let wantsLook = false;
  const stop = () => {
    source?.close();
    clearInterval(polling);
    clearTimeout(soon);
    source = polling = soon = null;
  };
  const look = async () => {
    soon = null;
    if (isLooking) {
      wantsLook = true;
      return;
    }
    isLooking = true;
    const answer = await fetch(news.dataset.look, { redirect: "manual" }).catch(() => null);
    const text = answer?.ok ? await answer.text().catch(() => "") : "";
    isLooking = false;
    if (answer?.type === "opaqueredirect") return stop();
    const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("news");
    if (fresh && fresh.textContent !== news.textContent) news.replaceChildren(...fresh.childNodes);
    if (wantsLook) {
      wantsLook = false;
      lookSoon();
    }
  };
  // Several hints are one look, and not everybody looks at the same moment.
  const lookSoon = () => {
    soon ??= setTimeout(look, Number(news.dataset.wait) * (0.2 + Math.random()));
  };
  const poll = () => {
    polling ??= setInterval(lookSoon, POLL_MS);
    // The line may be there again, after a new server.
    setTimeout(() => document.visibilityState === "visible" && polling && begin(), POLL_MS * (2 + Math.random()));
  };
  const begin = () => {
    stop();
    // How old the page is, so that what changed meanwhile is not missed.
    source = new EventSource(`${news.dataset.live}&age=${Math.round(performance.now())}`);
    source.addEventListener("hint", lookSoon);
    source.addEventListener("error", () => {
      if (source?.readyState === EventSource.CLOSED) poll();
      else source?.addEventListener("open", lookSoon, { once: true });
    });
  };
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") begin();
    else stop();
  });
  addEventListener("pagehide", stop);
  addEventListener("pageshow", (event) => event.persisted && begin());
  if (document.visibilityState === "visible") begin();
}
