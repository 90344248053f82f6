// Single keys for people who keep their hands on the keyboard; each can be done with the mouse, and all can be switched off.
"use strict";
(() => {
  const OFF = "ew-keys-off";
  const dialog = document.getElementById("keys");
  if (!dialog) return;

  const links = () => [...document.querySelectorAll(".alert-card h2 a, .rows a.row-link")];
  const move = (step) => {
    const all = links();
    const at = all.indexOf(document.activeElement);
    const next = at < 0 ? (step > 0 ? 0 : all.length - 1) : at + step;
    all[Math.min(Math.max(next, 0), all.length - 1)]?.focus();
  };
  const review = () => {
    const form = document.getElementById("review");
    const link = links().find((each) => each === document.activeElement);
    if (form) {
      const folded = form.closest("details");
      if (folded) folded.open = true;
      form.querySelector("input[type=radio]").focus();
    }
    if (!form && link) location.href = `${link.href}#review`;
  };
  const filter = () => {
    const field = document.getElementById("first-filter");
    if (!field) return;
    field.closest("details").open = true;
    field.focus();
  };
  const help = () => { if (dialog.open) dialog.close(); else dialog.showModal(); };
  const acts = {
    j: () => move(1),
    k: () => move(-1),
    n: () => document.querySelector("#new:not([hidden])")?.click(),
    r: review,
    u: () => document.getElementById("up")?.click(),
    "/": filter,
    "?": help,
  };

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input:not([type=checkbox], [type=radio]), select, textarea");
    if (typing || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const act = acts[event.key];
    if (!act || (localStorage.getItem(OFF) && event.key !== "?")) return;
    event.preventDefault();
    act();
  });

  const box = document.getElementById("keys-on");
  box.checked = !localStorage.getItem(OFF);
  box.addEventListener("change", () => {
    if (box.checked) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, "1");
  });
  document.getElementById("help").addEventListener("click", (event) => {
    event.preventDefault();
    help();
  });
  if (location.hash === "#review") review();
})();
