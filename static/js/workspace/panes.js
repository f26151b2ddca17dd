// Which pane is seen: tabs, the phone's tab bar, the splitter. The address carries the tab; what is shown in it, the pane adds.
import { $, $$, delegate } from "../lib/dom.js";
import { recall, remember } from "../lib/store.js";

const STEP = 24;

export function panes(root) {
  const tabs = Object.fromEntries($$("[role=tab]", root).map((tab) => [tab.getAttribute("aria-controls"), tab]));
  const names = Object.keys(tabs);
  // Called each time a pane comes into sight.
  const callbacks = {};

  /** Shows "chat" (phone only) or the pane of a tab. */
  function show(pane, { push = true } = {}) {
    root.dataset.pane = pane;
    for (const button of $$("[data-pane-tab]", root)) {
      if (button.dataset.paneTab === pane) button.setAttribute("aria-current", "page");
      else button.removeAttribute("aria-current");
      if (button.dataset.paneTab === pane) button.classList.remove("news");
    }
    if (push) setParams({ tab: pane, file: null, version: null, against: null });
    if (pane === "chat" || !tabs[pane]) return;
    for (const [name, tab] of Object.entries(tabs)) {
      const on = name === pane;
      tab.setAttribute("aria-selected", on);
      tab.tabIndex = on ? 0 : -1;
      document.getElementById(name).hidden = !on;
      $(`[data-for="${name}"]`, root).hidden = !on;
      if (!on) callbacks[name]?.(false);
    }
    callbacks[pane]?.(true);
  }

  for (const [name, tab] of Object.entries(tabs)) {
    tab.addEventListener("click", () => show(name));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!step) return;
      const other = names.at((names.indexOf(name) + step) % names.length);
      show(other);
      tabs[other].focus();
    });
  }
  delegate(root, "click", "[data-pane-tab]", (_event, button) => show(button.dataset.paneTab));
  delegate(document, "click", "[data-show]", (_event, button) => show(button.dataset.show));
  splitter(root, $("#splitter"), $("#chat-pane"));
  return {
    show,
    current: () => root.dataset.pane,
    news: (pane) => root.dataset.pane !== pane && $(`[data-pane-tab="${pane}"]`, root).classList.add("news"),
    has: (pane) => pane in tabs,
    /** `callback(seen)` when the pane comes into sight and when it leaves. */
    when(pane, callback) {
      callbacks[pane] = callback;
    },
  };
}

/** Changes the query of the address; null removes a name. Pushes, so that Back goes back. */
export function setParams(params, { replace = false } = {}) {
  const url = new URL(location.href);
  for (const [name, value] of Object.entries(params)) {
    if (value === null || value === undefined) url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  if (url.href === location.href) return;
  history[replace ? "replaceState" : "pushState"](null, "", url);
}

function splitter(root, bar, pane) {
  const min = Number(bar.ariaValueMin);
  const max = Number(bar.ariaValueMax);
  const set = (width, keep = false) => {
    const value = Math.round(Math.min(max, Math.max(min, width)));
    document.documentElement.style.setProperty("--chat", `${value}px`);
    bar.ariaValueNow = String(value);
    if (keep) remember("chat-width", String(value));
  };
  if (recall("chat-width")) bar.ariaValueNow = String(parseInt(recall("chat-width"), 10));

  bar.addEventListener("pointerdown", (event) => {
    const from = event.clientX - pane.offsetWidth;
    bar.setPointerCapture(event.pointerId);
    bar.classList.add("dragging");
    root.classList.add("sizing");
    const move = (moved) => set(moved.clientX - from);
    const end = () => {
      bar.classList.remove("dragging");
      root.classList.remove("sizing");
      bar.removeEventListener("pointermove", move);
      set(pane.offsetWidth, true);
    };
    bar.addEventListener("pointermove", move);
    bar.addEventListener("lostpointercapture", end, { once: true });
  });
  bar.addEventListener("keydown", (event) => {
    const width = { ArrowLeft: pane.offsetWidth - STEP, ArrowRight: pane.offsetWidth + STEP, Home: min, End: max }[event.key];
    if (width === undefined) return;
    event.preventDefault();
    set(width, true);
  });
  bar.addEventListener("dblclick", () => set(420, true));
}
