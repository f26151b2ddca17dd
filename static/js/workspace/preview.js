// The running app: its frame, address, widths, and what to do when it does not answer.
import { $, $$, delegate } from "../lib/dom.js";
import { getJson, postJson } from "../lib/http.js";
import { recall, remember } from "../lib/store.js";
import { toast } from "../lib/toast.js";

const LOOKING = 5 * 60_000;
const FIX = "The preview does not work. Find out why and mend it.";

export function preview(root, composer, run) {
  const panel = $("#preview");
  const frame = $("#frame");
  const open = $("#open");
  const path = $("#path");
  let base = "";

  const address = () => (base ? new URL(path.value.replace(/^\/+/, ""), base).href : "");

  function load() {
    if (!base) return;
    frame.hidden = false;
    open.hidden = false;
    open.href = address();
    // Setting the same address again reloads, whatever page of it is shown.
    frame.src = address();
  }
  function set({ state, url, detail }) {
    const was = panel.dataset.state;
    panel.dataset.state = state;
    if (state === "failed" && detail) $("#preview-failed").textContent = detail;
    if (state === "starting") $("#preview-starting").textContent = detail || "Starting the app";
    if (state === "paused") frame.hidden = true;
    if (state !== "ready" || !url) return;
    const same = base === url && was === "ready";
    base = url;
    if (!same) load();
  }
  async function wake() {
    panel.dataset.was = panel.dataset.state;
    set({ state: "starting" });
    try {
      // The event that follows says when the app answers.
      await postJson(`${root.dataset.sandbox}${panel.dataset.was === "failed" ? "restart" : "start"}/`);
    } catch (error) {
      set({ state: "failed", detail: error.message });
    }
  }

  $("#reload").addEventListener("click", () => (base ? load() : toast("There is no app to reload yet.")));
  $("#address").addEventListener("submit", (event) => {
    event.preventDefault();
    load();
  });
  delegate(panel, "click", "[data-wake]", wake);
  delegate(panel, "click", "[data-fix]", () => composer.fill(FIX));

  function device(name) {
    panel.dataset.device = name;
    for (const button of $$("[data-device]", root)) {
      if (button.tagName === "BUTTON") button.setAttribute("aria-pressed", button.dataset.device === name);
    }
    remember("device", name);
  }
  delegate(root, "click", "button[data-device]", (_event, button) => device(button.dataset.device));
  device(recall("device") ?? "desktop");

  const first = root.dataset.previewState;
  set({ state: first, url: root.dataset.preview });
  // Looking at a finished app wakes it, also where nobody here knows that it fell asleep; a run starts it itself.
  if (root.dataset.version && !run.active()) {
    if (first === "ready") postJson(`${root.dataset.sandbox}start/`).catch(() => {});
    else wake();
  }
  // Says that somebody looks, and hears if the app went to sleep all the same.
  setInterval(async () => {
    if (document.hidden || panel.dataset.state !== "ready") return;
    const { state } = await getJson(root.dataset.sandbox).catch(() => ({}));
    if (state === "paused") set({ state });
  }, LOOKING);
  return { set, load };
}
