// What the agent sees of the project: instructions, conversation, files, each with its share of the tokens.
import { $, delegate, el, icon } from "../lib/dom.js";
import { getJson, patchJson, postJson } from "../lib/http.js";
import { toast } from "../lib/toast.js";
import { briefing } from "./briefing.js";
import { promises } from "./promises.js";
import { servers } from "./servers.js";

const thousands = (count) => (count < 1000 ? String(count) : `${(count / 1000).toFixed(1)} k`);

export function context(root, panes, code) {
  const box = $("#context");
  const told = briefing(root, code.locks.set);
  const kept = promises(root);
  const connected = servers(root, () => load());
  // Each stays where it is while what it shows is exchanged: a form in which somebody types, too.
  const [sent, files, look, orders] = Array.from({ length: 4 }, () => el("section"));
  // Paths of files that are pinned or dropped, and whether that is being changed.
  let marked = { pinned: [], dropped: [] };
  let marking = false;

  async function load() {
    box.setAttribute("aria-busy", "true");
    try {
      paint(...(await Promise.all([getJson(root.dataset.context), told.load(), kept.load(), connected.load()])));
    } catch (error) {
      if (sent.isConnected) toast(`What is shown may be of before. ${error.message}`, { error: true });
      else box.replaceChildren(el("p", { class: "muted" }, error.message));
    }
    box.removeAttribute("aria-busy");
  }
  function paint({ model, framework, tokens, messages, files: paths, instructions, summary, version, window: most, pinned, dropped }, form, list, mcp) {
    marked = { pinned, dropped };
    const parts = [
      [`Instructions, about ${thousands(tokens.instructions)} tokens`, tokens.instructions],
      [`Conversation, about ${thousands(tokens.conversation)} tokens in ${messages} message${messages === 1 ? "" : "s"}`, tokens.conversation],
      [`First look at the files, about ${thousands(tokens.files)} tokens`, tokens.files],
      [`Your rules, about ${thousands(tokens.rules)} tokens`, tokens.rules],
      [`Memory, about ${thousands(tokens.memory)} tokens`, tokens.memory],
      [`Promises, about ${thousands(tokens.promises)} tokens`, tokens.promises],
      [`Tools of MCP servers, about ${thousands(tokens.servers)} tokens`, tokens.servers],
    ];
    $("#context-sum").textContent = `${model} · ${framework} · about ${thousands(parts.reduce((sum, [, count]) => sum + count, 0))} tokens before it reads a file; a conversation is shortened above ${thousands(most)}`;
    const bar = el("div", { class: "lens", "aria-hidden": "true" }, ...parts.map(() => el("i")));
    parts.forEach(([, count], index) => {
      bar.children[index].style.setProperty("--share", count);
      bar.children[index].hidden = !count;
    });
    const key = el("ul", { class: "lens-key" }, ...parts.map(([text]) => el("li", {}, text)));
    const there = new Set(paths.map(({ path }) => path));
    const gone = [...pinned, ...dropped].filter((path) => !there.has(path));
    const rows = [...paths.map(row), ...gone.map((path) => el("li", {}, el("span", { class: "context-path" }, path), el("span", { class: "muted" }, "not there now"), ...marks(path)))];
    sent.replaceChildren(el("h2", {}, "Sent with every message"), bar, key);
    files.replaceChildren(el("h2", {}, `Files it can read (${paths.length})`), el("p", { class: "muted small" }, "Every run begins with the text of pinned files, up to about 8,000 tokens of all of them. Dropped ones are not read unless a message names them."), rows.length ? el("ul", { class: "context-files" }, ...rows) : el("p", { class: "muted small" }, "None yet."));
    look.replaceChildren(el("h2", {}, version ? `First look at the files, of version ${version}` : "First look at the files, of the template"), el("pre", { class: "first-look" }, summary));
    orders.replaceChildren(el("h2", {}, "Instructions"), el("pre", { class: "instructions" }, instructions));
    if (!sent.isConnected) box.replaceChildren(sent, list, el("section", {}, el("h2", {}, "What you tell it"), form), mcp, files, look, orders);
  }
  function row({ path, size, tokens }) {
    const said = marked.dropped.includes(path) ? "dropped" : tokens === null ? "not text" : `${thousands(tokens)} tokens`;
    return el("li", {}, el("button", { type: "button", class: "context-path", "data-open-file": path }, path), el("span", { class: "muted num" }, size < 1024 ? `${size} B` : `${(size / 1024).toFixed(1)} kB`), el("span", { class: "muted num" }, said), ...marks(path, tokens !== null));
  }
  /** What can be switched for a file. */
  function marks(path, isText = true) {
    const mark = (kind, shape, word, means, possible) => {
      const on = marked[kind].includes(path);
      return el("button", { type: "button", class: "btn quiet sm square", "data-mark": kind, "data-path": path, "aria-pressed": String(on), "aria-label": `${word} ${path}`, title: on ? `${means}; click to take that back` : means, disabled: !possible && !on }, icon(shape));
    };
    return [mark("pinned", "pin", "Pin", "Every run begins with its text", isText), mark("dropped", "eye-off", "Drop", "Not read unless a message names it", true)];
  }
  async function toggle(kind, path) {
    if (marking) return;
    marking = true;
    const on = !marked[kind].includes(path);
    const lists = Object.fromEntries(Object.entries(marked).map(([name, paths]) => [name, paths.filter((other) => other !== path)]));
    if (on) lists[kind].push(path);
    try {
      await patchJson(root.dataset.self, lists);
      await load();
      $("#announce").textContent = `${path} is ${on ? "" : "no longer "}${kind}.`;
      $(`[data-mark="${kind}"][data-path="${CSS.escape(path)}"]`, box)?.focus();
    } catch (error) {
      toast(error.message, { error: true });
    }
    marking = false;
  }
  delegate(box, "click", "[data-mark]", (_event, button) => toggle(button.dataset.mark, button.dataset.path));
  /** Makes the first look at the files anew, as the next run will see it. */
  async function regenerate() {
    $("#context-again").disabled = true;
    try {
      paint(...(await Promise.all([postJson(root.dataset.context), told.load(), kept.load(), connected.load()])));
      $("#announce").textContent = "Looked at the files again.";
    } catch (error) {
      toast(error.message, { error: true });
    }
    $("#context-again").disabled = false;
  }
  panes.when("context", (seen) => seen && load());
  $("#context-again").addEventListener("click", regenerate);
  return {
    saved() {
      if (!$("#context").hidden) load();
    },
  };
}
