// Shows what is running as it goes on. Everything else works without a script.
"use strict";
(() => {
  const region = document.getElementById("live");
  if (!region || !window.EventSource) return;
  const state = document.getElementById("live-state");
  const say = (text) => {
    if (state && state.textContent !== text) state.textContent = text;
  };
  const events = new EventSource("/page/events");
  events.addEventListener("running", (event) => {
    region.innerHTML = event.data;
    say("Live");
  });
  events.addEventListener("end", () => {
    events.close();
    say("Signed out. Reload to sign in again.");
  });
  events.onerror = () => say("Not connected. Trying again.");
  window.addEventListener("pagehide", () => events.close());
})();
