// The feed: cards that changed are replaced where they stand; new ones never move what a person is reading.
"use strict";
(() => {
  const GATHER_MS = 400;
  const READING_MS = 5000;
  const list = document.getElementById("list");
  const bar = document.getElementById("new");
  const said = document.getElementById("said");
  const title = document.title;
  const changed = new Set();
  let waiting = [];
  let timer = 0;
  let touchedAt = -READING_MS;

  const cardOf = (id) => document.getElementById(`card-${id}`);
  const isReading = () =>
    list.matches(":hover") || list.contains(document.activeElement) || window.scrollY > list.offsetTop ||
    performance.now() - touchedAt < READING_MS;

  const parse = (html) => new DOMParser().parseFromString(html, "text/html");

  const ask = async (url) => {
    const answer = await fetch(url, { headers: { "HX-Request": "true" } });
    return answer.ok ? parse(await answer.text()) : null;
  };

  const replace = (fresh) => {
    const old = cardOf(fresh.dataset.id);
    if (!old || old.dataset.version === fresh.dataset.version) return;
    const hadFocus = old.contains(document.activeElement);
    old.replaceWith(fresh);
    if (hadFocus) fresh.querySelector("a").focus({ preventScroll: true });
  };

  // The card of an alert that was merged into another goes; that one has a card of its own.
  const drop = (id, into) => {
    const old = cardOf(id);
    const hadFocus = old?.contains(document.activeElement);
    old?.remove();
    if (hadFocus) cardOf(into)?.querySelector("a").focus({ preventScroll: true });
    waiting = waiting.filter((card) => card.dataset.id !== id);
    offer();
  };

  const insert = (cards) => {
    list.querySelector(".empty")?.remove();
    const before = list.offsetHeight;
    for (const card of cards) card.classList.add("arrived");
    list.prepend(...cards);
    if (window.scrollY > list.offsetTop && !CSS.supports("overflow-anchor", "auto")) {
      window.scrollBy(0, list.offsetHeight - before);
    }
  };

  const show = () => {
    insert(waiting);
    waiting[0]?.querySelector("a").focus();
    waiting = [];
    offer();
    list.scrollIntoView({ block: "start" });
  };

  const offer = () => {
    bar.hidden = waiting.length === 0;
    bar.textContent = waiting.length === 1 ? bar.dataset.one : bar.dataset.many.replace("#", waiting.length);
    document.title = waiting.length ? `(${waiting.length}) ${title}` : title;
  };

  const announce = (cards) => {
    said.textContent = cards.map((card) => `${list.dataset.said}: ${card.querySelector("h2").textContent}`).join(" ");
  };

  const append = (cards) => {
    list.querySelector(".empty")?.remove();
    const more = list.querySelector(".more");
    for (const card of cards) list.insertBefore(card, more);
  };

  const arrive = (cards) => {
    if (!cards.length) return;
    announce(cards);
    if (list.dataset.arrive === "end") {
      append(cards);
      return;
    }
    if (isReading() && list.querySelector(".alert-card")) {
      const ids = new Set(cards.map((card) => card.dataset.id));
      waiting = [...cards, ...waiting.filter((card) => !ids.has(card.dataset.id))];
    } else {
      insert(cards);
    }
    offer();
  };

  const refresh = async () => {
    const page = await ask(location.href).catch(() => null);
    if (!page) return;
    const fresh = [...page.querySelectorAll(".alert-card")];
    fresh.forEach(replace);
    const known = new Set([...waiting.map((card) => card.dataset.id)]);
    arrive(fresh.filter((card) => !cardOf(card.dataset.id) && !known.has(card.dataset.id)));
    const here = new Set(fresh.map((card) => card.dataset.id));
    const others = [...changed].filter((id) => (cardOf(id) || known.has(id)) && !here.has(id));
    changed.clear();
    for (const id of others) {
      const one = await ask(`${document.body.dataset.root}/alerts/${encodeURIComponent(id)}/card`).catch(() => null);
      const card = one?.querySelector(".alert-card");
      if (card && card.dataset.id !== id) drop(id, card.dataset.id);
      else if (card) replace(card);
    }
  };

  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(refresh, GATHER_MS);
  };

  document.addEventListener("ew:resync", soon);
  document.addEventListener("ew:change", ({ detail }) => {
    if (detail.kind === "alert" || detail.kind === "handling") { changed.add(detail.subject); soon(); }
  });
  for (const kind of ["wheel", "touchstart", "keydown"]) {
    window.addEventListener(kind, () => { touchedAt = performance.now(); }, { passive: true });
  }
  bar.addEventListener("click", show);

  // An address without the fields that are empty can be read, and sent to a colleague.
  document.addEventListener("htmx:configRequest", ({ detail }) => {
    if (detail.elt.id !== "filters") return;
    for (const [name, value] of Object.entries(detail.parameters)) if (value === "") delete detail.parameters[name];
  });
  document.addEventListener("htmx:afterSwap", ({ detail }) => {
    if (detail.target === list) { waiting = []; offer(); }
  });
})();
