// The alert page: new evidence comes in by itself where nobody is looking closely; what people did is announced.
// Nothing typed is ever taken away: the forms stay as they are.
"use strict";
(() => {
  const GATHER_MS = 600;
  const PARTS = [".headline", ".evidence", ".past"];
  const alert = document.querySelector("article.alert");
  const note = document.getElementById("changed");
  let timer = 0;

  const isStudied = (part) => part.matches(":hover") || part.contains(document.activeElement);

  const refresh = async () => {
    const answer = await fetch(location.pathname, { headers: { "HX-Request": "true" } }).catch(() => null);
    if (!answer || !answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const current = document.querySelector(".evidence");
    const merged = page.querySelector("article.alert").dataset.id !== alert.dataset.id;
    if (merged || isStudied(current)) {
      note.hidden = false;
      return;
    }
    for (const name of PARTS) {
      const [old, fresh] = [document.querySelector(name), page.querySelector(name)];
      old.querySelectorAll("details").forEach((each, i) => { fresh.querySelectorAll("details")[i]?.toggleAttribute("open", each.open); });
      old.replaceWith(fresh);
    }
    document.dispatchEvent(new Event("ew:evidence"));
  };

  document.addEventListener("ew:resync", refresh);
  document.addEventListener("ew:change", ({ detail }) => {
    if (detail.subject !== alert.dataset.id) return;
    if (detail.kind === "handling") {
      note.hidden = false;
      return;
    }
    clearTimeout(timer);
    timer = setTimeout(refresh, GATHER_MS);
  });
  document.getElementById("refusal")?.focus();
})();
