// Keeps the page in touch with the service: the live mark, the header's state, and an event for whoever listens.
// On document: "ew:change" (detail: kind, subject, change) for one change; "ew:resync" when some may have been missed.
"use strict";
(() => {
  const url = document.body.dataset.live;
  document.documentElement.classList.add("scripted-page");
  if (!url || !window.EventSource) return;

  const RETRY_MS = 3000;
  const STATUS_MS = 20000;
  let source = null;
  let state = "connecting";

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

  const hear = (event) => {
    const { subject, change } = JSON.parse(event.data);
    if (event.type === "freshness" || event.type === "handling") refreshStatus();
    tell("ew:change", { kind: event.type, subject, change });
  };

  const connect = () => {
    source = new EventSource(url);
    source.onopen = () => { show("live"); tell("ew:resync"); refreshStatus(); };
    source.onerror = () => {
      show("connecting");
      // The browser tries again by itself, from the last event on, unless the server refused it.
      if (source.readyState === EventSource.CLOSED) retry();
    };
    for (const kind of ["alert", "handling", "freshness", "plan"]) source.addEventListener(kind, hear);
    source.addEventListener("reset", () => tell("ew:resync"));
  };

  const retry = async () => {
    source.close();
    const answer = await fetch(document.getElementById("status").getAttribute("hx-get"), { headers: { "HX-Request": "true" } })
      .catch(() => null);
    if (answer && answer.status === 401) show("signed-out");
    else setTimeout(connect, RETRY_MS);
  };

  document.addEventListener("DOMContentLoaded", () => { show("connecting"); connect(); });
  document.addEventListener("htmx:afterSettle", () => show(state));
  document.addEventListener("visibilitychange", refreshStatus);
  window.addEventListener("pagehide", () => source && source.close());
  window.addEventListener("pageshow", (event) => { if (event.persisted) connect(); });
  setInterval(refreshStatus, STATUS_MS);
})();
