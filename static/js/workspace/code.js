// The code view: the tree, one file at a time in a read-only editor that is loaded when first needed.
import { $, el } from "../lib/dom.js";
import { getJson, postJson } from "../lib/http.js";
import { toast } from "../lib/toast.js";
import { setParams } from "./panes.js";
import { fileTree } from "./tree.js";

const FIRST = ["src/App.tsx", "src/App.jsx", "index.html", "src/main.tsx", "README.md"];

export function code(root, panes) {
  const box = $("#editor");
  const tree = fileTree($("#tree"), (path) => open(path));
  let paths = JSON.parse($("#files").textContent);
  let newest = root.dataset.version;
  let version = null;
  let current = "";
  let content = "";
  let editor;

  const query = () => (version ? `?version=${version}` : "");
  const url = (path) => root.dataset.files + path.split("/").map(encodeURIComponent).join("/") + query();

  function paintTree() {
    tree.show(paths);
    $("#tree-none").hidden = paths.length > 0;
    const badge = $("#code-version");
    badge.hidden = !version;
    badge.textContent = version ? `v${version}` : "";
    const isOld = version && String(version) !== String(newest);
    $("#restore").hidden = !isOld;
    $("#restore span").textContent = `Restore v${version}`;
    badge.className = `badge ${isOld ? "warn" : ""}`;
  }

  /** Opens a file; a slower answer for another one is dropped. */
  async function open(path, { push = true } = {}) {
    current = path;
    tree.select(path);
    if (push) setParams({ file: path, tab: "code" });
    crumbs(path);
    $("#code").classList.toggle("tree-hidden", matchMedia("(max-width: 820px)").matches || hidden);
    if (!box.querySelector(".cm-editor")) box.replaceChildren(skeleton());
    try {
      const answer = await getJson(url(path));
      if (current !== path) return;
      if (answer.encoding !== "utf-8") return note(`${Math.ceil(answer.size / 1024)} kB of binary data. Download the ZIP to get it.`);
      content = answer.content;
      await show(path);
    } catch (error) {
      if (current === path) note(error.status === 404 ? "This file is not in this version." : error.message);
    }
  }
  async function show(path) {
    $("#copy").disabled = false;
    try {
      editor ??= await import("./editor.js");
      if (current === path) await editor.show(box, path, content);
    } catch {
      // Without the bundle the text is still there to read.
      box.replaceChildren(el("pre", {}, content));
    }
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

  /** Shows the files of version `number` (null: the newest). */
  async function openVersion(number) {
    version = String(number) === String(newest) ? null : number;
    try {
      const answer = await getJson(root.dataset.files + query());
      paths = answer.files.map((file) => file.path).sort();
    } catch (error) {
      toast(error.message, { error: true });
      return;
    }
    setParams({ version, tab: "code" });
    paintTree();
    ensure(true);
  }
  /** Something must be open when the code view is looked at. */
  function ensure(again = false) {
    const wanted = paths.includes(current) ? current : (FIRST.find((path) => paths.includes(path)) ?? paths[0]);
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
  /** A new version: what is shown follows it, unless an older one was chosen. */
  async function saved(number) {
    newest = number;
    if (version) return paintTree();
    try {
      const answer = await getJson(root.dataset.files);
      paths = answer.files.map((file) => file.path).sort();
    } catch {
      return;
    }
    paintTree();
    if (panes.current() === "code" || !$("#code").hidden) ensure(true);
    else current = "";
  }

  let hidden = false;
  $("#tree-toggle").addEventListener("click", () => {
    hidden = !$("#code").classList.contains("tree-hidden");
    $("#code").classList.toggle("tree-hidden", hidden);
    $("#tree-toggle").setAttribute("aria-pressed", !hidden);
  });
  $("#copy").addEventListener("click", async () => {
    await navigator.clipboard.writeText(content);
    toast("Copied.");
  });
  $("#restore").addEventListener("click", async () => {
    const number = version;
    try {
      const made = await postJson(`${root.dataset.versions}${number}/restore/`);
      version = null;
      setParams({ version: null });
      await saved(made.number);
      toast(`Version ${made.number} is version ${number} again. Nothing was lost.`);
    } catch (error) {
      toast(error.message, { error: true });
    }
  });
  panes.whenCode = () => ensure();
  paintTree();
  return { open, openVersion, changed, saved };
}
