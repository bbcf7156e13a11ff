// What pages do better with a script. Every page works without it.

// A second press within a second sends nothing.
addEventListener("submit", (event) => {
  const form = event.target;
  const now = performance.now();
  if (now - Number(form.dataset.sent ?? -Infinity) < 1000) {
    event.preventDefault();
  } else {
    form.dataset.sent = String(now);
  }
});

// Back shows a page as it was left. Whoever has signed out meanwhile is not to be shown it; whoever
// is still signed in keeps what they have typed.
addEventListener("pageshow", async (event) => {
  if (!event.persisted) return;
  for (const form of document.forms) delete form.dataset.sent;
  const answer = await fetch(location.href, { method: "HEAD", redirect: "manual" }).catch(() => null);
  if (answer?.type === "opaqueredirect") location.replace(location.pathname + location.search);
});

// Drafts: what was typed and not sent is there again when the page is. It is kept in this browser,
// for its writer only, for a week; signing out clears it.
const DRAFT = "draft:";
const WEEK = 7 * 24 * 3600 * 1000;
const LONGEST = 20_000;
const who = document.body.dataset.who;
const own = `${DRAFT}${who}:`;
const isText = (field) => field.matches("textarea:not([readonly]), input[type=text]") && field.name;
const formsWithDrafts = () => [...document.querySelectorAll("main form[method=post]:not([data-no-draft])")];
const keyOf = (form) => own + location.pathname + "|" + (form.getAttribute("action") ?? "");
// What a form was shown at: an old draft is sent with it, so that what others changed is noticed.
const isShownAt = (field) => field.type === "hidden" && /^(_version|_seen|_was\/)/.test(field.name);

const read = (key) => {
  try {
    return JSON.parse(localStorage.getItem(key));
  } catch {
    return null;
  }
};

const keep = (form) => {
  const [texts, shown] = [{}, {}];
  for (const field of form.elements) {
    if (isText(field) && field.value !== field.defaultValue && field.value.length <= LONGEST) {
      texts[field.name] = field.value;
    } else if (isShownAt(field)) {
      shown[field.name] = field.value;
    }
  }
  try {
    if (Object.keys(texts).length === 0) localStorage.removeItem(keyOf(form));
    else localStorage.setItem(keyOf(form), JSON.stringify({ at: Date.now(), texts, shown }));
  } catch {
    // Without room nothing is kept.
  }
};

const restore = (form) => {
  const draft = read(keyOf(form));
  if (!draft) return false;
  let isBack = false;
  for (const field of form.elements) {
    if (isText(field) && field.name in draft.texts && field.value === field.defaultValue) {
      if (field.value !== draft.texts[field.name]) isBack = true;
      field.value = draft.texts[field.name];
      field.closest("details")?.setAttribute("open", "");
    } else if (isShownAt(field) && field.name in draft.shown) {
      field.value = draft.shown[field.name];
    }
  }
  return isBack;
};

const isRefused = document.querySelector("[data-refused]") !== null;
if (who) {
  // A form that was sent and not refused has no draft any more.
  const sent = sessionStorage.getItem("sent");
  if (sent && !isRefused) localStorage.removeItem(sent);
  for (const key of Object.keys(localStorage)) {
    const isOwn = key.startsWith(own) && Date.now() - (read(key)?.at ?? 0) < WEEK;
    if (key.startsWith(DRAFT) && !isOwn) localStorage.removeItem(key);
  }
  // A form that was refused is shown with what was typed already.
  const back = isRefused ? [] : formsWithDrafts().filter(restore);
  const notice = document.getElementById("draft");
  if (notice && back.length > 0) {
    notice.hidden = false;
    notice.querySelector("button").addEventListener("click", () => {
      for (const form of back) localStorage.removeItem(keyOf(form));
      location.reload();
    });
  }
  addEventListener("input", (event) => {
    const form = event.target.form;
    if (form?.matches("main form[method=post]:not([data-no-draft])")) keep(form);
  });
  addEventListener("submit", (event) => {
    if (!event.defaultPrevented) sessionStorage.setItem("sent", keyOf(event.target));
  });
}
sessionStorage.removeItem("sent");

// Hints: when something has changed, the page asks for itself and shows what is new. Without a line
// for hints it looks from time to time.
const news = document.getElementById("news");
if (news && "EventSource" in window) {
  let source = null;
  let timer = null;
  let isLooking = false;
  const look = async () => {
    if (isLooking) return;
    isLooking = true;
    const answer = await fetch(news.dataset.look, { redirect: "manual" }).catch(() => null);
    isLooking = false;
    if (!answer?.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("news");
    if (fresh && fresh.textContent !== news.textContent) news.replaceChildren(...fresh.childNodes);
  };
  // Not everybody at the same moment.
  const lookSoon = () => setTimeout(look, Math.random() * 700);
  const listen = () => {
    source = new EventSource(news.dataset.live);
    source.addEventListener("hint", lookSoon);
    source.addEventListener("error", () => {
      if (source?.readyState === EventSource.CLOSED) timer ??= setInterval(look, 30_000);
    });
  };
  const stop = () => {
    source?.close();
    clearInterval(timer);
    source = timer = null;
  };
  document.addEventListener("visibilitychange", () => {
    stop();
    if (document.visibilityState === "visible") {
      listen();
      lookSoon();
    }
  });
  addEventListener("pagehide", stop);
  addEventListener("pageshow", (event) => {
    if (event.persisted && !source) {
      listen();
      lookSoon();
    }
  });
  if (document.visibilityState === "visible") listen();
}
