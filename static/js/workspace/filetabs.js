// The files that are open, as tabs above the editor; kept per project, closed one by one.
import { $, $$, delegate, el, icon } from "../lib/dom.js";
import { recall, remember } from "../lib/store.js";

const MOST = 12;

/** `open(path)` shows a file, `emptied()` is called when the last tab was closed. */
export function fileTabs(root, open, emptied) {
  const bar = $("#file-tabs");
  const key = `tabs:${root.dataset.project}`;
  let paths = (recall(key) ?? "").split("\n").filter(Boolean).slice(0, MOST);
  let current = "";
  let unsaved = new Set();

  function paint() {
    const held = bar.contains(document.activeElement) && document.activeElement.dataset;
    bar.hidden = paths.length === 0;
    bar.replaceChildren(
      ...paths.map((path) => {
        const name = path.split("/").at(-1);
        const twin = paths.some((other) => other !== path && other.split("/").at(-1) === name);
        const words = el("button", { type: "button", "data-tab": path, title: path, "aria-current": path === current ? "true" : null }, twin ? path.split("/").slice(-2).join("/") : name);
        const close = el("button", { type: "button", class: "file-tab-close", "data-close": path, "aria-label": `Close ${path}`, title: "Close" }, icon("x"));
        return el("li", { class: `file-tab${unsaved.has(path) ? " unsaved" : ""}${path === current ? " now" : ""}` }, words, close);
      }),
    );
    // What was chosen, or what is shown in the place of what was closed.
    if (held) ($(`[data-tab="${CSS.escape(held.tab ?? "")}"]`, bar) ?? $('[aria-current="true"]', bar))?.focus({ preventScroll: true });
    remember(key, paths.join("\n"));
  }
  function close(path) {
    const at = paths.indexOf(path);
    paths = paths.filter((other) => other !== path);
    if (path === current) {
      const next = paths[Math.min(at, paths.length - 1)];
      if (next) return open(next);
      current = "";
      emptied();
    }
    paint();
  }
  delegate(bar, "click", "[data-tab]", (_event, button) => open(button.dataset.tab));
  delegate(bar, "click", "[data-close]", (_event, button) => close(button.dataset.close));
  bar.addEventListener("auxclick", (event) => {
    const tab = event.target.closest(".file-tab");
    if (event.button === 1 && tab) close($("[data-tab]", tab).dataset.tab);
  });
  bar.addEventListener("keydown", (event) => {
    const tab = event.target.closest("[data-tab]");
    if (!tab) return;
    const all = $$("[data-tab]", bar);
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step) all[all.indexOf(tab) + step]?.focus();
    if (event.key === "Delete") close(tab.dataset.tab);
  });
  paint();
  return {
    /** A file is shown: its tab is there and in sight. The oldest without changes makes room. */
    show(path) {
      current = path;
      if (!paths.includes(path)) paths.push(path);
      if (paths.length > MOST) paths.splice(paths.findIndex((one) => one !== path && !unsaved.has(one)), 1);
      paint();
      $('[aria-current="true"]', bar)?.scrollIntoView({ block: "nearest", inline: "nearest" });
    },
    mark(list) {
      const now = new Set(list);
      if (now.size === unsaved.size && [...now].every((path) => unsaved.has(path))) return;
      unsaved = now;
      paint();
    },
    /** Files that are not there any more lose their tabs; a renamed one keeps its place. */
    keep(there) {
      const all = new Set(there);
      const left = paths.filter((path) => all.has(path));
      if (left.length === paths.length) return;
      paths = left;
      paint();
    },
    move(from, to) {
      paths = paths.map((path) => (path === from ? to : path));
      if (current === from) current = to;
      paint();
    },
    first: () => paths[0],
  };
}
