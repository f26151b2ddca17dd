// The code view: the tree and one file at a time in an editor that is loaded when first needed. Saving makes a version.
import { $, $$, el } from "../lib/dom.js";
import { ask } from "../lib/dialog.js";
import { base64 } from "../lib/files.js";
import { getJson, patchJson, postForm, postJson, putJson, remove } from "../lib/http.js";
import { toast } from "../lib/toast.js";
import { buffers as makeBuffers } from "./buffers.js";
import { fileTabs } from "./filetabs.js";
import { locks as makeLocks } from "./locks.js";
import { setParams } from "./panes.js";
import { fileSearch } from "./search.js";
import { fileTree } from "./tree.js";

const FIRST = ["src/App.tsx", "src/App.jsx", "index.html", "src/main.tsx", "README.md"];
/** So long a saved change may take to reach the preview before the tick is given up. */
const APPLIES_WITHIN = 30_000;
const MOST_UPLOADED = 50;
const MAX_UPLOAD = 3_000_000;

export function code(root, panes) {
  const box = $("#editor");
  const notice = $("#code-notice");
  const locks = makeLocks(root, () => {
    tree.paint();
    paintState();
  });
  const tree = fileTree($("#tree"), (path) => open(path), locks.by);
  const tabs = fileTabs(root, (path) => open(path), () => {
    current = "";
    place();
    crumbs("");
    note("Choose a file.");
    paintState();
  });
  const buffers = makeBuffers(paintState);
  let paths = JSON.parse($("#files").textContent);
  let newest = root.dataset.version;
  let version = null;
  let current = "";
  // The text as the server has it.
  let content = "";
  let editor;
  // "" | saving | saved | applying | applied: what became of the last save.
  let save = "";
  let saveTimer;
  let saveLater = false;
  // What was sent last: its own version event is no conflict.
  let sent;
  // Files that were changed elsewhere while they were edited here, with the other text and its version.
  const conflicts = new Map();
  let meeting = Promise.resolve();

  const query = () => (version ? `?version=${version}` : "");
  const address = (path) => root.dataset.files + path.split("/").map(encodeURIComponent).join("/");
  const isOld = () => Boolean(version) && String(version) !== String(newest);
  /** The files that can be opened; one that is edited here stays, whoever deleted it. */
  const there = () => (isOld() ? paths : [...new Set([...paths, ...buffers.paths()])].sort());
  /** The address says what is shown, so that a reload shows it again: the file, and the version while it is an old one. */
  function place({ push = true } = {}) {
    if (panes.current() === "code") setParams({ tab: "code", file: current || null, version, against: null }, { replace: !push });
  }

  function paintTree() {
    tree.show(there());
    tabs.keep([...paths, ...buffers.paths()]);
    $("#tree-none").hidden = there().length > 0;
    const badge = $("#code-version");
    badge.hidden = !version;
    badge.textContent = version ? `v${version}` : "";
    $("#restore").hidden = !isOld();
    $("#restore span").textContent = `Restore v${version}`;
    badge.className = `badge ${isOld() ? "warn" : ""}`;
    for (const item of $$("[data-edits]", root)) item.hidden = isOld();
    paintState();
  }

  const WORDS = { saving: "Saving…", saved: "Saved", applying: "Saved · reaching the preview…", applied: "Applied to the preview", unsaved: "Unsaved" };
  function paintState() {
    const dirty = buffers.has(current);
    const state = dirty && save !== "saving" ? "unsaved" : save;
    const line = $("#save-state");
    line.dataset.state = state;
    $("span", line).textContent = WORDS[state] ?? "";
    $("#save").disabled = !dirty || save === "saving" || isOld();
    tree.mark(buffers.paths());
    tabs.mark(buffers.paths());
    const lock = $('[data-file-action="lock"]', root);
    $("span", lock).textContent = current && locks.by(current) ? "Unlock for the agent" : "Lock for the agent";
    for (const button of $$("[data-file-action]:not([data-file-action=upload])", root)) button.disabled = !current;
  }
  function setSave(state) {
    save = state;
    clearTimeout(saveTimer);
    if (state === "applying") saveTimer = setTimeout(() => setSave("saved"), APPLIES_WITHIN);
    if (state === "applied" || state === "saved") saveTimer = setTimeout(() => setSave(""), 6_000);
    paintState();
  }

  /** Opens a file; a slower answer for another one, or another version, is dropped. `at` is {line, column}. */
  async function open(path, { push = true, at } = {}) {
    if (path !== current) hideNotice();
    current = path;
    tree.select(path);
    tabs.show(path);
    place({ push });
    crumbs(path);
    $("#code").classList.toggle("tree-hidden", matchMedia("(max-width: 820px)").matches || hidden);
    if (!box.querySelector(".cm-editor")) box.replaceChildren(skeleton());
    paintState();
    const from = version;
    const isWanted = () => current === path && version === from;
    try {
      const answer = await getJson(address(path) + query()).catch((error) => {
        // Deleted while it was edited here: what was typed is still to be seen.
        if (error.status !== 404 || isOld() || !buffers.has(path)) throw error;
        return { encoding: "utf-8", content: buffers.get(path).base };
      });
      if (!isWanted()) return;
      if (answer.encoding !== "utf-8") return note(`${Math.ceil(answer.size / 1024)} kB of binary data. Download the ZIP to get it.`);
      content = answer.content;
      await show(path, isWanted);
      if (at) editor?.goTo(at.line, at.column);
      if (conflicts.has(path) && !isOld()) sayConflict(path);
    } catch (error) {
      if (isWanted()) note(error.status === 404 ? "This file is not in this version." : error.message);
    }
  }
  async function show(path, isWanted = () => current === path) {
    $("#copy").disabled = false;
    const text = isOld() ? content : (buffers.get(path)?.text ?? content);
    try {
      editor ??= await import("./editor.js");
      const onChange = (now) => path === current && buffers.set(path, buffers.get(path)?.base ?? content, now);
      if (isWanted()) await editor.show(box, path, text, { readOnly: isOld(), onChange, onSave: saveShown });
    } catch {
      // Without the bundle the text is still there to read.
      box.replaceChildren(el("pre", {}, content));
    }
    paintState();
  }
  function note(text) {
    editor?.close();
    $("#copy").disabled = true;
    box.replaceChildren(el("p", { class: "editor-note muted" }, text));
  }
  function skeleton() {
    return el("div", { class: "skeletons" }, ...Array.from({ length: 9 }, () => el("i", { class: "skeleton" })));
  }
  function crumbs(path) {
    const parts = path.split("/");
    const line = parts.flatMap((part, i) => (i < parts.length - 1 ? [el("span", {}, part), el("span", {}, "/")] : [el("b", {}, part)]));
    $("#crumbs").replaceChildren(...line);
  }

  // --- Saving ---------------------------------------------------------------------------------------------------------
  function saveShown() {
    if (!isOld()) saveFile(current);
  }
  async function saveFile(path) {
    const buffer = buffers.get(path);
    if (!buffer || save === "saving") return;
    if (conflicts.has(path)) return sayConflict(path);
    const { text } = buffer;
    sent = text;
    setSave("saving");
    try {
      const made = await putJson(address(path), { content: text });
      settled(path, text);
      hideNotice();
      newest = made.number;
      setSave($("#preview").dataset.state === "ready" ? "applying" : "saved");
    } catch (error) {
      setSave("");
      if (error.status !== 409) return toast(`It was not saved. ${error.message}`, { error: true });
      say("The agent is working on these files, so this cannot be saved yet. What you typed stays here.", [
        ["Save when it is done", () => {
          saveLater = true;
          say("It will be saved when the agent is done. You can keep typing.", []);
        }],
      ]);
    }
  }
  /** `text` is on the server now; what was typed meanwhile stays unsaved. */
  function settled(path, text) {
    const now = buffers.get(path);
    if (path === current && !isOld()) content = text;
    if (now) buffers.set(path, text, now.text);
  }
  function say(text, actions) {
    notice.hidden = false;
    const buttons = actions.map(([label, act]) => el("button", { type: "button", class: "btn sm", onclick: act }, label));
    notice.replaceChildren(el("span", {}, text), ...buttons);
  }
  function hideNotice() {
    notice.hidden = true;
  }
  /** Another version has changed, or deleted, a file that is being edited here. */
  async function meet(path, number) {
    const buffer = buffers.get(path);
    // null: there is none any more. undefined: nobody knows.
    const theirs = await getJson(address(path)).then((answer) => answer.content, (error) => (error.status === 404 ? null : undefined));
    if (theirs === undefined) return;
    if ([buffer.base, buffer.text, sent].includes(theirs)) {
      if (conflicts.delete(path) && path === current) hideNotice();
      return settled(path, theirs);
    }
    conflicts.set(path, { theirs, number });
    if (path === current && !isOld()) sayConflict(path);
  }
  function sayConflict(path) {
    const { theirs, number } = conflicts.get(path);
    if (path !== current) return open(path);
    const isGone = theirs === null;
    const settle = (keep) => {
      conflicts.delete(path);
      hideNotice();
      if (keep) buffers.set(path, theirs, buffers.get(path)?.text ?? content);
      else buffers.drop(path);
      content = theirs;
      if (isGone && !keep) {
        paintTree();
        return ensure(true);
      }
      if (!keep) show(path);
      paintState();
    };
    const words = isGone
      ? `Version ${number} deleted or renamed this file. Nothing is lost: if you keep yours, saving puts it back.`
      : `Version ${number} changed this file too. Nothing is lost: choose what goes on.`;
    say(words, [
      ["Keep mine", () => settle(true)],
      [isGone ? "Discard" : "Take theirs", () => settle(false)],
    ]);
  }

  // --- Files: new, another name, gone -----------------------------------------------------------------------------------
  async function change(work, done) {
    try {
      const made = await work();
      newest = made.number;
      done();
      setSave($("#preview").dataset.state === "ready" ? "applying" : "saved");
    } catch (error) {
      toast(error.message, { error: true });
    }
  }
  async function create() {
    const folder = current.includes("/") ? current.slice(0, current.lastIndexOf("/") + 1) : "";
    const path = await ask({ title: "New file", field: { label: "Path", value: folder }, action: "Create" });
    if (!path) return;
    if (paths.includes(path)) return open(path);
    await change(() => putJson(address(path), { content: "" }), () => {
      paths = [...paths, path].sort();
      paintTree();
      open(path).then(() => editor?.focus());
    });
  }
  async function rename() {
    const from = current;
    const start = from.lastIndexOf("/") + 1;
    const dot = from.lastIndexOf(".");
    const select = [start, dot > start ? dot : from.length];
    const to = await ask({ title: "Rename or move", field: { label: "New path", value: from, select }, action: "Rename" });
    if (!to || to === from) return;
    await change(() => patchJson(address(from), { path: to }), () => {
      buffers.move(from, to);
      tabs.move(from, to);
      paths = paths.map((path) => (path === from ? to : path)).sort();
      paintTree();
      open(to);
    });
  }
  async function discard() {
    const path = current;
    const text = "Earlier versions keep it, so it can be restored from the history.";
    if (!(await ask({ title: `Delete ${path}?`, text, action: "Delete", danger: true }))) return;
    await change(() => remove(address(path)), () => {
      buffers.drop(path);
      conflicts.delete(path);
      paths = paths.filter((other) => other !== path);
      current = "";
      paintTree();
      ensure(true);
    });
  }
  /** Files from this computer, into the folder of the open one, in one version. */
  async function upload(list) {
    const folder = current.includes("/") ? current.slice(0, current.lastIndexOf("/") + 1) : "";
    const files = [...list].slice(0, MOST_UPLOADED);
    if (files.reduce((sum, file) => sum + file.size, 0) > MAX_UPLOAD) return toast("At most 3 MB can be uploaded at a time.", { error: true });
    const sent = await Promise.all(files.map(async (file) => ({ path: folder + file.name, encoding: "base64", content: await base64(file) })));
    await change(() => postJson(root.dataset.files, { files: sent }), () => {
      paths = [...new Set([...paths, ...sent.map(({ path }) => path)])].sort();
      paintTree();
      open(sent[0].path);
      toast(sent.length === 1 ? `${sent[0].path} was added.` : `${sent.length} files were added.`);
    });
  }
  const ACTIONS = { create, rename, delete: discard, lock: () => locks.toggle(current), upload: () => $("#upload").click() };
  $("#upload").addEventListener("change", (event) => {
    if (event.target.files.length) upload(event.target.files);
    event.target.value = "";
  });
  const pane = $(".tree-pane", root);
  pane.addEventListener("dragover", (event) => {
    if (isOld() || !event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    pane.classList.add("dropping");
  });
  pane.addEventListener("dragleave", (event) => !pane.contains(event.relatedTarget) && pane.classList.remove("dropping"));
  pane.addEventListener("drop", (event) => {
    pane.classList.remove("dropping");
    if (isOld() || !event.dataTransfer.files.length) return;
    event.preventDefault();
    upload(event.dataTransfer.files);
  });

  const theme = $("#code-theme");
  box.dataset.codeTheme = theme.value;
  theme.addEventListener("change", async () => {
    box.dataset.codeTheme = theme.value;
    try {
      await postForm(theme.dataset.url, { code_theme: theme.value });
    } catch (error) {
      toast(`The colours were not saved. ${error.message}`, { error: true });
    }
  });

  root.addEventListener("click", (event) => {
    const action = event.target.closest("[data-file-action], [data-new-file]");
    if (!action) return;
    action.closest("details.menu")?.removeAttribute("open");
    ACTIONS[action.dataset.fileAction ?? "create"]();
  });
  $("#save").addEventListener("click", saveShown);
  addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s" && !$("#code").hidden) {
      event.preventDefault();
      saveShown();
    }
  });
  // Before the editor, which would open its own search in this file.
  addEventListener(
    "keydown",
    (event) => {
      if (!(event.ctrlKey || event.metaKey) || !event.shiftKey || event.key.toLowerCase() !== "f" || $("#code").hidden) return;
      event.preventDefault();
      event.stopPropagation();
      showTree(true);
      $("#find").select();
    },
    { capture: true },
  );

  // --- Versions -----------------------------------------------------------------------------------------------------------
  let latest = 0;
  /** Shows the files of version `number` (null: the newest); the one asked for last, however slow an answer is. */
  async function openVersion(number, { push = true, file } = {}) {
    const mine = ++latest;
    const wanted = String(number) === String(newest) ? null : number;
    if (wanted !== version) {
      try {
        const answer = await getJson(root.dataset.files + (wanted ? `?version=${wanted}` : ""));
        if (mine !== latest) return;
        version = wanted;
        // What it says is about the newest files.
        hideNotice();
        paths = answer.files.map((one) => one.path).sort();
      } catch (error) {
        if (mine === latest) place({ push: false });
        return toast(error.message, { error: true });
      }
    }
    paintTree();
    if (file) return open(file, { push });
    place({ push });
    ensure(true);
  }
  /** Something must be open when the code view is looked at. */
  function ensure(again = false) {
    const all = there();
    const kept = all.includes(tabs.first()) ? tabs.first() : null;
    const wanted = all.includes(current) ? current : (kept ?? FIRST.find((path) => all.includes(path)) ?? all[0]);
    if (!wanted) return note("No files yet. They appear here as they are written.");
    if (again || wanted !== current) open(wanted, { push: false });
  }

  /** A file event of a running run. */
  function changed({ path, action }) {
    if (version) return;
    paths = action === "deleted" ? paths.filter((other) => other !== path) : [...new Set([...paths, path])].sort();
    paintTree();
    tree.select(current);
    if (action !== "deleted") tree.touch(path);
  }
  /** A new version: what is shown follows it, unless an older one was chosen or it is being edited. */
  let settledVersions = Promise.resolve();
  function saved(made) {
    settledVersions = followVersion(made);
    return settledVersions;
  }
  async function followVersion({ number, added = [], changed: touched = [], deleted = [] }) {
    newest = number;
    // Whichever version is looked at: what is typed belongs to the newest.
    const met = [...added, ...touched, ...deleted].filter((path) => buffers.has(path)).map((path) => meet(path, number));
    meeting = Promise.all([meeting, ...met]);
    if (version) return paintTree();
    try {
      const answer = await getJson(root.dataset.files);
      if (version) return; // an older one was chosen meanwhile
      paths = answer.files.map((file) => file.path).sort();
    } catch {
      return;
    }
    paintTree();
    const mine = [...added, ...touched, ...deleted].includes(current) && !buffers.has(current);
    if ($("#code").hidden) current = buffers.has(current) ? current : "";
    else if (mine || !there().includes(current)) ensure(true);
  }
  /** The app answers again: what was saved is in it. */
  function applied(state) {
    if (save !== "applying") return;
    if (state === "ready") setSave("applied");
    else if (state === "failed") setSave("saved");
  }
  /** A run is over: what waited for it is saved now. */
  async function released() {
    if (!saveLater) return;
    saveLater = false;
    hideNotice();
    // What the run changed too is not overwritten.
    await settledVersions;
    await meeting;
    for (const path of buffers.paths()) if (!conflicts.has(path)) await saveFile(path);
    if (!conflicts.size) return;
    const path = conflicts.has(current) ? current : conflicts.keys().next().value;
    if (!isOld()) return sayConflict(path);
    const { theirs, number } = conflicts.get(path);
    const choose = { label: "Choose", run: () => openVersion(null, { file: path }) };
    toast(`${path} was not saved: version ${number} ${theirs === null ? "deleted or renamed it" : "changed it too"}.`, { error: true, action: choose });
  }

  let hidden = false;
  function showTree(on) {
    hidden = !on;
    $("#code").classList.toggle("tree-hidden", hidden);
    $("#tree-toggle").setAttribute("aria-pressed", on);
  }
  $("#tree-toggle").addEventListener("click", () => showTree($("#code").classList.contains("tree-hidden")));
  $("#copy").addEventListener("click", async () => {
    await navigator.clipboard.writeText(buffers.get(current)?.text ?? content);
    toast("Copied.");
  });
  $("#restore").addEventListener("click", async () => {
    const number = version;
    const before = newest;
    try {
      const made = await postJson(`${root.dataset.versions}${number}/restore/`);
      version = null;
      place();
      await saved(made);
      ensure(true);
      const undo = async () => saved(await postJson(`${root.dataset.versions}${before}/restore/`));
      toast(`Version ${made.number} is version ${number} again. Nothing was lost.`, { action: { label: "Undo", run: undo } });
    } catch (error) {
      toast(error.message, { error: true });
    }
  });
  fileSearch(root, query, (path, at) => open(path, { at }));
  panes.when("code", (seen) => {
    if (!seen) return;
    ensure();
    place({ push: false });
  });
  paintTree();
  return { locks, open, openVersion, changed, saved, applied, released, paths: () => paths, newest: () => newest };
}
