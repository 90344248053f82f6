// Keeps the page in touch with the service: the live mark, the header's state, and an event for whoever listens.
// On document: "ew:change" (detail: kind, subject, change) for one change; "ew:resync" when some may have been missed.
"use strict";
(() => {
  const url = document.body.dataset.stream;
  document.documentElement.classList.add("scripted-page");
  if (!url || !window.EventSource) return;

  const RETRY_MS = 3000;
  const STATUS_MS = 20000;
  const SOON_MS = 1500;
  let source = null;
  let seen = document.body.dataset.since;
  let state = "connecting";
  let waiting = null;

  const show = (next) => {
    state = next;
    const mark = document.getElementById("live");
    mark.hidden = false;
    mark.classList.toggle("broken", state !== "live");
    const text = mark.dataset[state === "signed-out" ? "signedOut" : state];
    if (mark.textContent !== text) mark.textContent = text;
  };

  const tell = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));

  const refreshStatus = () => {
    const status = document.getElementById("status");
    if (!document.hidden && !status.querySelector("details[open]")) htmx.trigger(status, "refresh-status");
  };

  const statusSoon = () => {
    waiting ??= setTimeout(() => { waiting = null; refreshStatus(); }, SOON_MS);
  };

  const hear = (event) => {
    seen = event.lastEventId || seen;
    const { kind, subject, change } = JSON.parse(event.data);
    statusSoon();
    tell("ew:change", { kind, subject, change });
  };

  const connect = () => {
    source = new EventSource(`${url}?after=${seen}`);
    source.onopen = () => { show("live"); refreshStatus(); };
    source.onerror = () => {
      show("connecting");
      // The browser tries again by itself, from the last event on, unless the server refused it.
      if (source.readyState === EventSource.CLOSED) retry();
    };
    source.addEventListener("change", hear);
    source.addEventListener("reset", (event) => { seen = event.lastEventId; tell("ew:resync"); });
  };

  const retry = async () => {
    source.close();
    const answer = await fetch(document.getElementById("status").getAttribute("hx-get"), { headers: { "HX-Request": "true" } })
      .catch(() => null);
    if (answer && answer.status === 401) show("signed-out");
    else setTimeout(connect, RETRY_MS);
  };

  // A browser has few connections to one host: of many open tabs only lists, and the tab in front, keep theirs.
  const wanted = () => !document.hidden || document.getElementById("list") !== null;
  const follow = () => {
    refreshStatus();
    if (wanted() && (!source || source.readyState === EventSource.CLOSED)) connect();
    else if (!wanted() && source) source.close();
  };

  document.addEventListener("DOMContentLoaded", () => { show("connecting"); if (wanted()) connect(); });
  document.addEventListener("htmx:afterSettle", () => show(state));
  document.addEventListener("visibilitychange", follow);
  window.addEventListener("pagehide", () => source && source.close());
  window.addEventListener("pageshow", (event) => { if (event.persisted) follow(); });
  setInterval(refreshStatus, STATUS_MS);
})();
