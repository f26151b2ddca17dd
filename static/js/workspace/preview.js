// The running app: its frame, address, sizes, and what to do when it does not answer.
import { $, delegate, el } from "../lib/dom.js";
import { getJson, postJson } from "../lib/http.js";
import { toast } from "../lib/toast.js";
import { bridge } from "./bridge.js";
import { appConsole } from "./console.js";
import { device } from "./device.js";

// The server puts what nobody looked at for a quarter of an hour to sleep.
const LOOKING = 5 * 60_000;
/** After so long without a word of it, a start may have been lost with the worker that was at it. */
const LATE = 45_000;
/** The same for a repair, which may install all packages anew. */
const REPAIR_LATE = 180_000;
/** So long a page may take from being served to hearing of changes. */
const LISTENS_AFTER = 3_000;
const FIX = "The preview does not work. Find out why and mend it.";

export function preview(root, panes, composer, run) {
  const panel = $("#preview");
  const frame = $("#frame");
  const open = $("#open");
  const path = $("#path");
  const look = $("#last-look");
  let base = "";
  // Set while an app that was seen is brought up to date or started again.
  let again = "";
  let late = 0;
  let untold = () => {};
  let patience = LATE;
  // When the frame was last loaded, and whether a file changed before the app in it could be listening for that.
  let loadedAt = 0;
  let doubtful = false;
  frame.addEventListener("load", () => (loadedAt = performance.now()));

  /** The page that the field names, of this app; null for what is no path of it, such as another site. */
  function named() {
    const typed = path.value.trim().replace(/^\/+/, "");
    const url = URL.canParse(typed, base) && new URL(typed, base);
    return url && url.origin === new URL(base).origin ? url.href : null;
  }
  const address = () => (base && named()) || base;

  function load() {
    if (!base) return;
    if (!named()) return toast("Only pages of this app are shown here. Type a path of it, such as about.html.", { error: true });
    frame.hidden = false;
    open.hidden = false;
    open.href = address();
    // Setting the same address again reloads, whatever page of it is shown.
    frame.src = address();
    loadedAt = performance.now();
    doubtful = false;
  }
  const touched = () => (doubtful ||= performance.now() - loadedAt < LISTENS_AFTER);
  /** A run is over: the frame was opened while the first files were being written, or may have missed a change. */
  function settle(isFirst) {
    if (isFirst || doubtful) load();
  }
  /** What is shown is of before. Should the start answer after all, it is loaded. */
  function unheard() {
    panel.removeAttribute("aria-busy");
    untold();
    untold = toast("The app was not started again in time; you see it as it was.", { error: true, action: { label: "Start it again", run: () => wake(true) } });
  }
  /** Shows how the app looked last; that picture may have been taken since this page was made. */
  async function remind() {
    const { results = [] } = await getJson(`${root.dataset.versions}?page_size=50`).catch(() => ({}));
    const seen = results.find(({ picture }) => picture);
    if (!seen) return;
    look.src = seen.picture;
    look.hidden = false;
  }
  function set({ state, url, detail }) {
    const was = panel.dataset.state;
    clearTimeout(late);
    if (state !== "starting") untold();
    // What is seen stays seen while it is brought up to date: the app's own dev server shows the change.
    if (state === "starting" && was === "ready" && base) {
      again ||= "update";
      panel.setAttribute("aria-busy", "true");
      late = setTimeout(unheard, again === "restart" ? patience : REPAIR_LATE);
      return;
    }
    panel.removeAttribute("aria-busy");
    panel.dataset.state = state;
    $("#preview-late").hidden = true;
    if (state === "starting") late = setTimeout(() => ($("#preview-late").hidden = false), patience);
    else patience = LATE;
    if (state === "failed" && detail) $("#preview-failed").textContent = detail;
    if (state === "starting") $("#preview-starting").textContent = detail || "Starting the app";
    if (state === "paused") {
      frame.hidden = true;
      remind();
    }
    if (state !== "ready" || !url) return;
    const same = base === url && was === "ready" && again !== "restart";
    base = url;
    again = "";
    if (!same) load();
  }
  /** Wakes the app, or starts its dev server again. The event that follows says when it answers. */
  async function wake(restart = panel.dataset.state === "failed") {
    if (restart) again = "restart";
    patience = LATE;
    set({ state: "starting" });
    try {
      await postJson(`${root.dataset.sandbox}${restart ? "restart" : "start"}/`);
    } catch (error) {
      set({ state: "failed", detail: error.message });
    }
  }

  /** Clears caches, installs what is missing, starts again: free, and no model is asked. */
  async function repair() {
    const { state } = panel.dataset;
    again = "restart";
    patience = REPAIR_LATE;
    set({ state: "starting" });
    try {
      await postJson(`${root.dataset.sandbox}repair/`);
      toast("Clearing caches and installing what is missing. This takes up to two minutes.");
    } catch (error) {
      again = "";
      set({ state });
      toast(error.message, { error: true });
    }
  }
  delegate(root, "click", "[data-repair]", repair);

  $("#reload").addEventListener("click", () => (base ? load() : toast("There is no app to reload yet.")));
  $("#address").addEventListener("submit", (event) => {
    event.preventDefault();
    load();
  });
  delegate(root, "click", "[data-wake]", () => wake());
  delegate(root, "click", "[data-restart]", () => {
    toast("Starting the dev server again.");
    wake(true);
  });
  delegate(panel, "click", "[data-fix]", () => composer.fill(FIX));
  device(root, panel);
  routes(root, path);

  const said = appConsole(root, panes, composer);
  const pick = $("#pick");
  const picking = (on) => pick.setAttribute("aria-pressed", on);
  const page = bridge(frame, () => (base ? new URL(base).origin : ""), {
    here() {
      said.clear();
      picking(false);
    },
    console: said.add,
    where({ path: now }) {
      said.at(now);
      if (document.activeElement !== path) path.value = now.slice(1);
      open.href = address();
    },
    picked(element) {
      if (pick.getAttribute("aria-pressed") !== "true") return; // nobody pointed; the app made it up
      picking(false);
      composer.point(element, `/${path.value.replace(/^\/+/, "")}`);
      if (matchMedia("(max-width: 820px)").matches) panes.show("chat");
    },
    unpicked: () => picking(false),
  });
  pick.addEventListener("click", () => {
    if (panel.dataset.state !== "ready") return toast("There is no app to point into yet.");
    const on = pick.getAttribute("aria-pressed") !== "true";
    picking(on);
    page.say(on ? "pick" : "unpick");
    if (on) frame.focus();
  });
  $("#go-back").addEventListener("click", () => page.say("back"));
  // An iPhone shows nothing but films in full.
  $("#full").hidden = !document.fullscreenEnabled;
  $("#full").addEventListener("click", () => $("#preview-side").requestFullscreen().catch(() => toast("This browser does not show it in full.")));

  // Looking at a finished app wakes it, also where nobody here knows that it fell asleep; a run starts it itself.
  if (root.dataset.version && !run.active()) wake(false);
  else set({ state: root.dataset.previewState, url: root.dataset.preview });
  // Says that somebody looks, and hears if the app went to sleep all the same.
  setInterval(async () => {
    if (document.hidden || panel.dataset.state !== "ready") return;
    const { state } = await getJson(root.dataset.sandbox).catch(() => ({}));
    if (state === "paused") set({ state });
  }, LOOKING);
  return { set, wake, repair, touched, settle };
}

/** Offers the app's pages in the address: its HTML files, and the paths its code gives to a router. */
function routes(root, field) {
  const list = $("#routes");
  field.addEventListener("focus", async () => {
    const { files = [] } = await getJson(root.dataset.files).catch(() => ({}));
    const pages = files.map(({ path }) => path).filter((path) => /^(public\/)?[^/]+\.html$/.test(path) && path !== "index.html");
    const { matches = [] } = await getJson(`${root.dataset.search}?q=path`).catch(() => ({}));
    const paths = matches.flatMap(({ text }) => [...text.matchAll(/\bpath\s*[=:]\s*\{?["'`]\/?([\w\-/]+)["'`]/g)].map((match) => match[1]));
    const known = new Set(["", ...pages.map((path) => path.replace(/^public\//, "")), ...paths]);
    list.replaceChildren(...[...known].map((path) => el("option", { value: path }, path ? "" : "the first page")));
  });
}
