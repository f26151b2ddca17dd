// The file tree: ARIA tree with arrow keys, Home, End, Enter; folders stay as they were when files change.
import { $, $$, el, icon } from "../lib/dom.js";

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
const byName = (a, b) => a.localeCompare(b, "en", { numeric: true });
const extension = (name) => (name.includes(".") ? name.split(".").pop().toLowerCase() : "");

export function fileTree(root, open) {
  const closed = new Set();
  let unsaved = new Set();
  let selected = "";

  function folder(name, path, node, level) {
    const item = el(
      "li",
      { role: "treeitem", "aria-level": level, "aria-expanded": String(!closed.has(path)), "data-folder": path, tabindex: -1 },
      el("div", { class: "node" }, icon("chevron-right"), el("span", {}, name)),
      el("ul", { role: "group" }, ...children(node, path, level + 1)),
    );
    return item;
  }
  function file({ name, path }, level) {
    const ext = extension(name);
    return el(
      "li",
      { role: "treeitem", "aria-level": level, "aria-selected": String(path === selected), "data-path": path, tabindex: -1, class: unsaved.has(path) ? "unsaved" : null },
      el("div", { class: "node" }, el("i", { class: "ext", "data-ext": ext, "aria-hidden": "true" }, ext.slice(0, 2) || "·"), el("span", {}, name)),
    );
  }
  function children(node, path, level) {
    const folders = [...node.folders].sort(([a], [b]) => byName(a, b));
    const files = node.files.sort((a, b) => byName(a.name, b.name));
    return [
      ...folders.map(([name, inner]) => folder(name, path ? `${path}/${name}` : name, inner, level)),
      ...files.map((entry) => file(entry, level)),
    ];
  }

  function show(paths) {
    root.replaceChildren(...children(nest(paths), "", 1));
    const first = $(`[data-path="${CSS.escape(selected)}"]`, root) ?? $("[role=treeitem]", root);
    if (first) first.tabIndex = 0;
  }
  function select(path) {
    selected = path;
    for (const item of $$("[data-path]", root)) item.setAttribute("aria-selected", item.dataset.path === path);
    const item = $(`[data-path="${CSS.escape(path)}"]`, root);
    for (let up = item?.parentElement.closest("[data-folder]"); up; up = up.parentElement.closest("[data-folder]")) toggle(up, true);
    if (item) rove(item);
  }
  /** A dot on a file that the run has just changed. */
  const touch = (path) => $(`[data-path="${CSS.escape(path)}"]`, root)?.classList.add("touched");

  /** A ring on files with changes that are not saved. */
  function mark(paths) {
    unsaved = new Set(paths);
    for (const item of $$("[data-path]", root)) item.classList.toggle("unsaved", unsaved.has(item.dataset.path));
  }

  function toggle(item, on = item.getAttribute("aria-expanded") !== "true") {
    item.setAttribute("aria-expanded", on);
    if (on) closed.delete(item.dataset.folder);
    else closed.add(item.dataset.folder);
  }
  function rove(item) {
    for (const other of $$("[tabindex='0']", root)) other.tabIndex = -1;
    item.tabIndex = 0;
  }
  function act(item) {
    if (item.dataset.folder !== undefined) return toggle(item);
    item.classList.remove("touched");
    open(item.dataset.path);
  }
  root.addEventListener("click", (event) => {
    const item = event.target.closest("[role=treeitem]");
    if (!item) return;
    rove(item);
    act(item);
  });
  root.addEventListener("keydown", (event) => {
    const item = event.target.closest("[role=treeitem]");
    if (!item) return;
    const seen = $$("[role=treeitem]", root).filter((node) => node.offsetParent);
    const at = seen.indexOf(item);
    const isOpen = item.getAttribute("aria-expanded") === "true";
    const isFolder = item.dataset.folder !== undefined;
    const go = {
      ArrowDown: () => seen[at + 1],
      ArrowUp: () => seen[at - 1],
      Home: () => seen[0],
      End: () => seen.at(-1),
      ArrowRight: () => (isFolder && !isOpen ? toggle(item, true) : isFolder ? seen[at + 1] : null),
      ArrowLeft: () => (isFolder && isOpen ? toggle(item, false) : item.parentElement.closest("[role=treeitem]")),
      Enter: () => act(item),
      " ": () => act(item),
    }[event.key];
    if (!go) return;
    event.preventDefault();
    const next = go();
    if (next instanceof Element) {
      rove(next);
      next.focus();
    }
  });
  return { show, select, touch, mark };
}
