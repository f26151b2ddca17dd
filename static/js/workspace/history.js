// The history: every version with its verdict, what changed between any two, restore of all, of a file, or of one change.
import { $, $$, delegate, el, icon } from "../lib/dom.js";
import { getJson, patchJson, postJson } from "../lib/http.js";
import { recall, remember } from "../lib/store.js";
import { ago } from "../lib/time.js";
import { toast } from "../lib/toast.js";
import { inline, split } from "./diff.js";
import { setParams } from "./panes.js";

/** A file with more changed lines shows them when it is asked to. */
const MOST_LINES = 300;
const SOURCES = { run: "by the agent", edit: "by hand", restore: "restored" };
const CHECKS = { build: "Builds", lint: "Lint clean", page: "Page answers", console: "Console clean", promises: "Promises kept" };

export function history(root, panes) {
  const list = $("#history-list");
  const main = $("#history-main");
  const against = $("#against");
  const more = $("#history-more");
  let versions = [];
  let next = null;
  let shown = null;
  let base = null;
  // What somebody chose to look at, {version, against}; otherwise it is the newest.
  let chosen = null;
  // The version that is shown.
  let opened = null;
  let look = recall("diff-look") ?? "inline";
  let stale = true;
  let latest = 0;
  // The version that is about to be shown running.
  let waiting = null;

  const newest = () => versions[0]?.number;
  const known = (number) => versions.find((version) => version.number === number);

  function take(answer) {
    const page = answer.next && new URL(answer.next, location.href);
    next = page && page.pathname + page.search;
    versions.push(...answer.results);
    more.hidden = !next;
  }
  const load = async () => next && take(await getJson(next));

  let refreshing = null;
  /** Reads the first page anew; who asks meanwhile waits for the same answer. */
  function refresh() {
    refreshing ??= getJson(`${root.dataset.versions}?page_size=50`)
      .then((answer) => {
        stale = false;
        versions = [];
        take(answer);
        paintList();
      })
      .catch((error) => toast(error.message, { error: true }))
      .finally(() => (refreshing = null));
    return refreshing;
  }

  function facts(version) {
    const named = (wanted) => Object.keys(version.verdict).filter((name) => version.verdict[name] === wanted).join(", ");
    const checks = [[named(false), "minus", "✗"], [named(true), "plus", "✓"]].filter(([names]) => names).map(([names, look, mark]) => el("span", { class: look }, `${names} ${mark}`));
    const time = el("time", { datetime: version.created, "data-ago": true, title: new Date(version.created).toLocaleString() }, ago(version.created));
    return [time, el("span", {}, SOURCES[version.source]), ...checks];
  }
  function paintList() {
    const focused = list.contains(document.activeElement) && document.activeElement.dataset.version;
    list.replaceChildren(
      ...versions.map((version) =>
        el(
          "li",
          {},
          el(
            "button",
            { type: "button", class: "version-row", "data-version": version.number, "aria-current": version.number === shown ? "true" : null },
            el("span", { class: "version-chip" }, `v${version.number}`),
            el("span", { class: "version-row-text" }, el("span", { class: "version-title" }, version.title || "Saved"), el("span", { class: "muted" }, ...facts(version))),
          ),
        ),
      ),
    );
    if (focused) $(`[data-version="${focused}"]`, list)?.focus({ preventScroll: true });
    const options = [...versions.filter(({ number }) => number !== shown).map(({ number, title }) => [number, `v${number} · ${title || "Saved"}`]), [0, "nothing (the empty project)"]];
    against.replaceChildren(...options.map(([number, text]) => el("option", { value: number, selected: number === base }, text.slice(0, 60))));
  }

  /** The address says what was chosen, so that a reload shows it again. */
  function place({ push = true } = {}) {
    if (panes.current() === "history") setParams({ tab: "history", version: chosen?.version, against: chosen?.against, file: null }, { replace: !push });
  }
  /** Shows what changed from version `from` (null: the one before) to `number` (null: the newest). */
  async function show(number, from = null, { push = true } = {}) {
    const mine = ++latest;
    if (stale || !versions.length) await refresh();
    while (number && !known(number) && next && mine === latest) await load();
    if (!versions.length || mine !== latest) return;
    opened = known(number) ?? versions[0];
    shown = opened.number;
    // An import may begin with a later version than the first.
    base = from ?? (!next && opened === versions.at(-1) ? 0 : Math.max(0, shown - 1));
    chosen = number && { version: shown, against: from };
    place({ push });
    await draw();
  }
  async function draw() {
    const mine = ++latest;
    paintList();
    $(`[data-version="${shown}"]`, list)?.scrollIntoView({ block: "nearest" });
    $("#history-now").replaceChildren(el("b", {}, `v${shown}`));
    main.setAttribute("aria-busy", "true");
    if ($(".empty", main)) main.replaceChildren(); // the first version came while this page was open
    try {
      const changes = await getJson(`${root.dataset.versions}${base}/diff/${shown}/`);
      if (mine === latest) paint(opened, changes);
    } catch (error) {
      if (mine === latest) main.replaceChildren(el("p", { class: "muted" }, error.message));
    }
    main.removeAttribute("aria-busy");
  }

  function paint(version, changes) {
    const added = changes.reduce((sum, change) => sum + change.added, 0);
    const removed = changes.reduce((sum, change) => sum + change.removed, 0);
    const sum = el("p", { class: "muted small num" }, `${changes.length} file${changes.length === 1 ? "" : "s"} changed `);
    if (added) sum.append(el("span", { class: "plus" }, `+${added} `));
    if (removed) sum.append(el("span", { class: "minus" }, `−${removed}`));
    main.replaceChildren(head(version, foldersOf(changes)), sum, ...changes.map((change) => file(version, change)));
    if (!changes.length) sum.textContent = "The two are equal.";
    main.scrollTop = 0;
  }
  /** Brings back one folder as it was: a choice, and a button, for a closed list may change with each key. */
  function folderChoice(number, folders) {
    const choice = el("select", { "aria-label": "Folder" }, ...folders.map((folder) => el("option", { value: folder }, folder)));
    const button = el("button", { type: "button", class: "btn sm", title: `Bring this folder back as it was in v${number}`, onclick: () => restore(number, choice.value) }, icon("undo"), "Restore folder");
    return [el("span", { class: "pick bare" }, choice, icon("chevron-down")), button];
  }
  /** Every folder that holds one of these changes. */
  function foldersOf(changes) {
    const found = new Set();
    for (const { path } of changes) {
      const parts = path.split("/").slice(0, -1);
      parts.forEach((_part, index) => found.add(parts.slice(0, index + 1).join("/")));
    }
    return [...found].sort();
  }
  function head(version, folders) {
    const rename = el("button", { type: "button", class: "btn quiet sm square", title: "Rename this version", "aria-label": "Rename this version" }, icon("pencil"));
    const title = el("h2", {}, el("span", { class: "version-chip" }, `v${version.number}`), el("span", {}, version.title || "Saved"), rename);
    rename.addEventListener("click", () => edit(version, title));
    const ticks = Object.entries(version.verdict).map(([name, ok]) => el("li", { class: ok ? "good" : "bad" }, icon(ok ? "check" : "x"), CHECKS[name] ?? name));
    const [time, source] = facts(version);
    const actions = el("div", { class: "row" });
    if (version.number !== newest()) {
      actions.append(el("button", { type: "button", class: "btn sm primary", onclick: () => restore(version.number) }, icon("undo"), `Restore v${version.number}`));
    }
    if (version.number !== newest() && folders.length) actions.append(...folderChoice(version.number, folders));
    actions.append(
      el("button", { type: "button", class: "btn sm", "data-open-version": version.number }, icon("code"), "Files"),
      el("button", { type: "button", class: "btn sm", onclick: (event) => runIt(version.number, event.currentTarget) }, icon("eye"), "Run it"),
      el("a", { class: "btn sm", href: `${root.dataset.download}?version=${version.number}` }, icon("download"), "ZIP"),
    );
    return el("header", {}, ...(version.picture ? [el("img", { class: "version-picture", src: version.picture, alt: `Version ${version.number} as it looked` })] : []), title, el("ul", { class: "facts" }, el("li", {}, time), el("li", {}, source), ...ticks), actions);
  }
  function edit(version, title) {
    const input = el("input", { class: "input sm", value: version.title, maxlength: 200, required: true, "aria-label": "Name of this version" });
    const form = el("form", { class: "title-edit" }, input, el("button", { class: "btn sm primary" }, "Save"));
    title.replaceChildren($(".version-chip", title), form);
    input.focus();
    input.addEventListener("keydown", (event) => event.key === "Escape" && draw());
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      try {
        Object.assign(version, await patchJson(`${root.dataset.versions}${version.number}/`, { title: input.value }));
        const row = $(`[data-open-version="${version.number}"] .version-title`, $("#versions"));
        if (row) row.textContent = version.title;
        draw();
      } catch (error) {
        toast(error.message, { error: true });
      }
    });
  }
  function file(version, change) {
    const name = { added: ["new", "good"], deleted: ["deleted", "bad"] }[change.action];
    const line = el("div", { class: "change-head" }, el("span", { class: "change-path" }, change.path));
    if (name) line.append(el("span", { class: `badge ${name[1]}` }, name[0]));
    if (change.added) line.append(el("span", { class: "plus num" }, `+${change.added}`));
    if (change.removed) line.append(el("span", { class: "minus num" }, `−${change.removed}`));
    if (shown !== newest()) line.append(el("button", { type: "button", class: "btn sm", "data-part": change.path, title: `Bring this file back as it was in v${version.number}` }, icon("undo"), `As in v${version.number}`));
    if (base) line.append(el("button", { type: "button", class: "btn sm", "data-part": change.path, "data-from": base, title: `Bring this file back as it was in v${base}` }, icon("undo"), `As in v${base}`));
    // A file that came or went as a whole comes back as a whole.
    const back = change.action === "changed" && base !== newest() ? (hunk) => el("button", { type: "button", class: "btn quiet sm", "data-part": change.path, "data-hunk": hunk, title: `Bring these lines back as they were in v${base}`, "aria-label": `Bring back change ${hunk + 1} of ${change.path}` }, icon("undo"), "Bring back") : null;
    const draw = () => (look === "split" ? split(change.diff, back) : inline(change.diff, back));
    if (change.diff === null) return el("section", { class: "change" }, line, el("p", { class: "muted small tree-none" }, "Not shown: this is no text, very long, or one of too many changes."));
    const length = change.added + change.removed;
    if (length <= MOST_LINES) return el("section", { class: "change" }, line, draw());
    // A lock file or a first version would drown the rest.
    const more = el("button", { type: "button", class: "btn quiet sm change-more" }, `Show ${length.toLocaleString("en")} changed lines`);
    more.addEventListener("click", () => more.replaceWith(draw()));
    return el("section", { class: "change" }, line, more);
  }

  /** All of a version, one file or folder of it, or of that file one change: `hunk` of the diff to version `to`. */
  async function restore(number, path = "", change = {}) {
    const before = newest();
    const asked = latest;
    try {
      const made = await postJson(`${root.dataset.versions}${number}/restore/`, path ? { path, ...change } : {});
      if (made.number === before) return toast("It is like that already.");
      const undo = () => postJson(`${root.dataset.versions}${before}/restore/`, path ? { path } : {});
      const part = change.to ? `One change of ${path}` : path;
      toast(path ? `${part} is as in v${number} again, in v${made.number}.` : `Version ${made.number} is version ${number} again. Nothing was lost.`, { action: { label: "Undo", run: undo } });
      await saved();
      // Unless something else was chosen meanwhile.
      if (!$("#history").hidden && asked === latest) show(made.number);
    } catch (error) {
      toast(error.message, { error: true });
    }
  }
  /** Runs the version in a sandbox of its own; `looked` hears where. */
  async function runIt(number, button) {
    button.disabled = true;
    waiting = number;
    side(number);
    try {
      await postJson(`${root.dataset.versions}${number}/preview/`);
    } catch (error) {
      toast(error.message, { error: true });
      side(null);
    }
    button.disabled = false;
  }
  /** The old app beside the new one, below the head of the history; null takes it away. */
  function side(number, { url, detail } = {}) {
    $("#beside")?.remove();
    if (number === null) return;
    const app = (title, src) => {
      const words = el("figcaption", {}, el("strong", {}, title));
      if (src) words.append(el("a", { href: src, target: "_blank", rel: "noopener noreferrer", class: "btn quiet sm square", title: "Open in a new tab", "aria-label": `Open ${title} in a new tab` }, icon("external")));
      const frame = src ? el("iframe", { src, title, sandbox: "allow-scripts allow-forms allow-popups allow-modals allow-same-origin", referrerpolicy: "no-referrer" }) : el("div", { class: "beside-wait" }, detail ?? el("span", { class: "spinner", role: "img", "aria-label": "Starting" }));
      return el("figure", {}, words, frame);
    };
    const close = el("button", { type: "button", class: "btn quiet sm square", "aria-label": "Close", title: "Close", onclick: () => side(null) }, icon("x"));
    const now = $("#frame").src || root.dataset.preview;
    const head = el("header", {}, el("p", { class: "muted small" }, `Version ${number} runs in a sandbox of its own, for ten minutes.`), close);
    main.prepend(el("section", { id: "beside", class: "beside", "aria-label": `Version ${number} beside the newest` }, head, el("div", {}, app(`v${number}`, url), ...(now ? [app("Now", now)] : []))));
    main.scrollTop = 0;
  }
  function looked({ version, url, state, detail }) {
    if (version !== waiting) return;
    waiting = null;
    if (state === "ready") side(version, { url });
    else side(version, { detail: detail || "This version does not answer. Its files may not build." });
  }
  /** There is a new version. */
  async function saved() {
    stale = true;
    if ($("#history").hidden) return;
    await refreshing;
    await refresh();
  }

  delegate(list, "click", "[data-version]", (_event, row) => show(Number(row.dataset.version)));
  list.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const rows = $$("[data-version]", list);
    rows[rows.indexOf(event.target.closest("[data-version]")) + step]?.focus();
  });
  delegate(main, "click", "[data-part]", (_event, button) => {
    const { part, hunk, from } = button.dataset;
    if (hunk) restore(base, part, { hunk: Number(hunk), to: shown });
    else restore(Number(from ?? shown), part);
  });
  against.addEventListener("change", () => show(shown, Number(against.value)));
  more.addEventListener("click", async () => {
    await load();
    paintList();
  });
  function choose(name) {
    look = name;
    remember("diff-look", name);
    for (const button of $$("[data-look]", root)) button.setAttribute("aria-pressed", button.dataset.look === name);
  }
  delegate($("#diff-look"), "click", "[data-look]", (_event, button) => {
    choose(button.dataset.look);
    if (shown) draw();
  });
  choose(look);
  panes.when("history", (seen) => {
    // A version in the address is shown by who reads it.
    if (!seen || new URLSearchParams(location.search).has("version")) return;
    // What was chosen stays as it was left; the newest may be another one by now.
    if (chosen && !stale) place({ push: false });
    else show(chosen?.version, chosen?.against, { push: false });
  });
  return {
    show,
    saved,
    looked,
    /** Also where nobody has looked at the history yet. */
    async restore(number) {
      if (stale || !versions.length) await refresh();
      await restore(number);
    },
  };
}
