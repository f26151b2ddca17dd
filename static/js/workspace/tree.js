// The file tree: an ARIA tree of flat rows with arrow keys, Home, End, Enter; folders stay as they were when files change.
// From 500 rows on only those in sight are elements.
import { $, el, icon } from "../lib/dom.js";

const VIRTUAL_FROM = 500;
const ROW = 29;
const MARGIN = 20;

/** `paths` → nested {folders: Map, files: []}. */
function nest(paths) {
  const top = { folders: new Map(), files: [] };
  for (const path of paths) {
    let here = top;
    const parts = path.split("/");
    for (const part of parts.slice(0, -1)) {
      if (!here.folders.has(part)) here.folders.set(part, { folders: new Map(), files: [] });
      here = here.folders.get(part);
    }
    here.files.push({ name: parts.at(-1), path });
  }
  return top;
}
const order = new Intl.Collator("en", { numeric: true }).compare;
const extension = (name) => (name.includes(".") ? name.split(".").pop().toLowerCase() : "");

/** `isLocked(path)` says whether the agent may not change a file. */
export function fileTree(root, open, isLocked = () => false) {
  const scroller = root.parentElement;
  const closed = new Set();
  const touched = new Set();
  let unsaved = new Set();
  let top = nest([]);
  let rows = [];
  let selected = "";
  // The row that has the keyboard, by its path.
  let active = "";
  let shown = "";

  function flatten() {
    rows = [];
    const walk = (node, prefix, level) => {
      const folders = [...node.folders].sort(([a], [b]) => order(a, b));
      const files = [...node.files].sort((a, b) => order(a.name, b.name));
      const size = folders.length + files.length;
      for (const [at, [name, inner]] of folders.entries()) {
        const path = prefix ? `${prefix}/${name}` : name;
        rows.push({ path, name, level, size, at: at + 1, isFolder: true });
        if (!closed.has(path)) walk(inner, path, level + 1);
      }
      for (const [at, { name, path }] of files.entries()) rows.push({ path, name, level, size, at: folders.length + at + 1 });
    };
    walk(top, "", 1);
  }
  function row({ path, name, level, size, at, isFolder }) {
    const facts = { role: "treeitem", "aria-level": level, "aria-posinset": at, "aria-setsize": size, tabindex: path === active ? 0 : -1 };
    const ext = extension(name);
    if (isFolder) {
      const item = el("li", { ...facts, "aria-expanded": String(!closed.has(path)), "data-folder": path }, el("div", { class: "node" }, icon("chevron-right"), el("span", {}, name)));
      return item;
    }
    const node = el("div", { class: "node" }, el("i", { class: "ext", "data-ext": ext, "aria-hidden": "true" }, ext.slice(0, 2) || "·"), el("span", {}, name));
    if (isLocked(path)) node.append(icon("lock"), el("span", { class: "sr" }, "locked"));
    const state = [unsaved.has(path) && "unsaved", touched.has(path) && "touched"].filter(Boolean).join(" ");
    return el("li", { ...facts, "aria-selected": String(path === selected), "data-path": path, class: state || null }, node);
  }
  /** Puts the rows in sight into the page. */
  function paint(always = true) {
    let [from, to] = [0, rows.length];
    if (rows.length > VIRTUAL_FROM) {
      from = Math.max(0, Math.floor((scroller.scrollTop - root.offsetTop) / ROW) - MARGIN);
      to = Math.min(rows.length, from + Math.ceil((scroller.clientHeight || 900) / ROW) + 2 * MARGIN);
    }
    if (!always && shown === `${from}-${to}`) return;
    shown = `${from}-${to}`;
    const had = root.contains(document.activeElement);
    root.replaceChildren(...rows.slice(from, to).map(row));
    root.style.paddingTop = `${from * ROW}px`;
    root.style.paddingBottom = `${(rows.length - to) * ROW}px`;
    const here = $("[tabindex='0']", root);
    if (!here && root.firstElementChild) root.firstElementChild.tabIndex = 0;
    if (had) (here ?? root.firstElementChild)?.focus({ preventScroll: true });
  }
  const key = (item) => item.dataset.path ?? item.dataset.folder;
  /** Gives a row the keyboard and brings it into sight. */
  function rove(path, focus = false) {
    active = path;
    const index = rows.findIndex((one) => one.path === path);
    if (index < 0) return paint();
    if (rows.length > VIRTUAL_FROM && scroller.clientHeight) {
      const y = root.offsetTop + index * ROW;
      if (y < scroller.scrollTop) scroller.scrollTop = y;
      else if (y + ROW > scroller.scrollTop + scroller.clientHeight) scroller.scrollTop = y + ROW - scroller.clientHeight;
    }
    paint();
    const item = $("[tabindex='0']", root);
    if (focus) item?.focus();
  }
  function toggle(path, on = closed.has(path)) {
    if (on) closed.delete(path);
    else closed.add(path);
    flatten();
    paint();
  }
  function act(item) {
    rove(key(item), true);
    if (item.dataset.folder !== undefined) return toggle(item.dataset.folder);
    touched.delete(item.dataset.path);
    open(item.dataset.path);
  }
  root.addEventListener("click", (event) => {
    const item = event.target.closest("[role=treeitem]");
    if (item) act(item);
  });
  root.addEventListener("keydown", (event) => {
    const item = event.target.closest("[role=treeitem]");
    if (!item) return;
    const at = rows.findIndex((one) => one.path === key(item));
    const { level, isFolder, path } = rows[at];
    const isOpen = isFolder && !closed.has(path);
    const parent = rows.slice(0, at).findLast((one) => one.level < level);
    const go = {
      ArrowDown: () => rows[at + 1],
      ArrowUp: () => rows[at - 1],
      Home: () => rows[0],
      End: () => rows.at(-1),
      ArrowRight: () => (isFolder && !isOpen ? toggle(path, true) : isFolder ? rows[at + 1] : null),
      ArrowLeft: () => (isOpen ? toggle(path, false) : parent),
      Enter: () => act(item),
      " ": () => act(item),
    }[event.key];
    if (!go) return;
    event.preventDefault();
    const next = go();
    if (next?.path) rove(next.path, true);
  });
  scroller.addEventListener("scroll", () => rows.length > VIRTUAL_FROM && paint(false), { passive: true });
  new ResizeObserver(() => rows.length > VIRTUAL_FROM && paint(false)).observe(scroller);

  return {
    show(paths) {
      top = nest(paths);
      flatten();
      paint();
    },
    select(path) {
      selected = path;
      const parts = path.split("/");
      for (let i = 1; i < parts.length; i += 1) closed.delete(parts.slice(0, i).join("/"));
      flatten();
      rove(path);
    },
    /** A dot on a file that the run has just changed. */
    touch(path) {
      touched.add(path);
      paint();
    },
    /** A ring on files with changes that are not saved. */
    mark(paths) {
      const now = new Set(paths);
      if (now.size === unsaved.size && [...now].every((path) => unsaved.has(path))) return;
      unsaved = now;
      paint();
    },
    paint,
  };
}
