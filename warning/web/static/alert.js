// The alert page: says when the alert has changed, and brings a refusal into view. Nothing typed is ever taken away.
"use strict";
(() => {
  const alert = document.querySelector("article.alert");
  const note = document.getElementById("changed");
  document.addEventListener("ew:change", ({ detail }) => {
    if (detail.subject === alert.dataset.id) note.hidden = false;
  });
  document.getElementById("refusal")?.focus();
})();
