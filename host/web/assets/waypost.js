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
