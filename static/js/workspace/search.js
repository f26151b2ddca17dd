// Search in the files of the version that is shown: a field above the tree, hits by file in the tree's place.
import { $, el } from "../lib/dom.js";
import { getJson } from "../lib/http.js";

const WAIT = 180;
/** So many characters of its line are shown before a hit. */
const BEFORE = 18;

/** `query()` is the version's query string; `open(path, {line, column})` goes to a hit. */
export function fileSearch(root, query, open) {
  const field = $("#find");
  const list = $("#found");
  const tree = $("#tree");
  let timer;
  let latest = 0;

  function clear() {
    latest += 1;
    list.hidden = true;
    tree.hidden = false;
    list.replaceChildren();
  }
  async function run() {
    const words = field.value;
    if (!words.trim()) return clear();
    const mine = ++latest;
    const version = query().replace("?", "&");
    const answer = await getJson(`${root.dataset.search}?q=${encodeURIComponent(words)}${version}`).catch((error) => ({ error }));
    if (mine !== latest) return;
    tree.hidden = true;
    list.hidden = false;
    if (answer.error) return list.replaceChildren(el("li", { class: "muted small" }, answer.error.message));
    list.replaceChildren(...byFile(answer.matches, words));
    if (!answer.matches.length) list.append(el("li", { class: "muted small" }, "Nothing found."));
    if (answer.more) list.append(el("li", { class: "muted small" }, "There are more. Type more of it."));
  }
  function byFile(matches, words) {
    const files = Map.groupBy ? Map.groupBy(matches, (match) => match.path) : group(matches);
    return [...files].map(([path, hits]) =>
      el("li", {}, el("p", { class: "found-path", title: path }, path), ...hits.map((hit) => line(hit, words.length))),
    );
  }
  function line({ path, line: number, column, text }, length) {
    // What stands far before the hit would push it out of sight.
    const start = text.slice(0, column).trimStart();
    const before = start.length > BEFORE ? `…${start.slice(-BEFORE)}` : start;
    const hit = el("mark", {}, text.slice(column, column + length));
    const words = el("span", {}, before, hit, text.slice(column + length).trimEnd());
    return el("button", { type: "button", class: "found-line", title: text.trim(), onclick: () => open(path, { line: number, column }) }, el("i", { class: "num" }, String(number)), words);
  }
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(run, WAIT);
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      field.value = "";
      clear();
    }
    if (event.key === "ArrowDown") $("button", list)?.focus();
  });
  list.addEventListener("keydown", (event) => {
    if (!["ArrowDown", "ArrowUp"].includes(event.key)) return;
    event.preventDefault();
    const all = [...list.querySelectorAll("button")];
    const next = all.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
    (all[next] ?? (next < 0 ? field : null))?.focus();
  });
}

function group(matches) {
  const files = new Map();
  for (const match of matches) files.set(match.path, [...(files.get(match.path) ?? []), match]);
  return files;
}
