// Shells in the sandbox, beside the log: opened one by one, kept while other tabs are looked at.
import { $, $$, delegate, el, icon } from "../lib/dom.js";
import { postJson } from "../lib/http.js";
import { toast } from "../lib/toast.js";

const MOST = 4;
const WHY = {
  4404: "You may not open a shell here any more.",
  4408: "Nothing was typed for a quarter of an hour, so the shell was closed.",
  4409: "The sandbox is not running. Wake it, then open a new shell.",
  4410: "The shell ended.",
  4429: "This project has four shells open already, maybe in other tabs.",
};

export function shells(root) {
  const tabs = $("#shell-tabs");
  const box = $("#shells");
  // number → {view, shell, tab}
  const open = new Map();
  let count = 0;
  let module;

  const styles = () =>
    new Promise((resolve, reject) => {
      if ($("#terminal-css")) return resolve();
      document.head.append(el("link", { rel: "stylesheet", id: "terminal-css", href: root.dataset.terminalCss, onload: resolve, onerror: reject }));
    });

  function show(name) {
    for (const button of $$("[data-shell]", tabs)) button.setAttribute("aria-pressed", button.dataset.shell === name);
    $("#log-view").hidden = name !== "";
    box.hidden = name === "";
    for (const id of ["#log-copy", "#log-clear", "#log-state"]) $(id).hidden = name !== "";
    $("#keep-files").hidden = name === "";
    for (const [key, { view }] of open) view.hidden = key !== name;
    open.get(name)?.shell?.fit();
    open.get(name)?.shell?.focus();
  }
  async function add() {
    if (open.size >= MOST) return toast(`At most ${MOST} shells at a time. Close one first.`);
    const name = String(++count);
    const view = el("div", { class: "shell", role: "group", "aria-label": `Shell ${name}` });
    const close = el("button", { type: "button", class: "shell-close", "aria-label": `Close shell ${name}`, title: "Close", onclick: () => drop(name) }, icon("x"));
    const tab = el("span", { class: "shell-tab" }, el("button", { type: "button", "data-shell": name, "aria-pressed": "false" }, `Shell ${name}`), close);
    const entry = { view, tab };
    open.set(name, entry);
    box.append(view);
    tabs.append(tab);
    show(name);
    try {
      [module] = await Promise.all([import("./terminal.js"), styles()]);
    } catch {
      drop(name);
      return toast("The terminal could not be loaded. Reload the page and try again.", { error: true });
    }
    if (!open.has(name)) return;
    const ended = (code) => entry.shell.note(WHY[code] ?? "The connection was lost. Open a new shell; what ran in this one was stopped.");
    entry.shell = module.open(view, root.dataset.terminal, ended, () => $(`[data-shell="${name}"]`, tabs).focus());
    entry.shell.focus();
  }
  function drop(name) {
    const { view, shell, tab } = open.get(name);
    shell?.close();
    open.delete(name);
    view.remove();
    tab.remove();
    show([...open.keys()].at(-1) ?? "");
  }
  delegate(tabs, "click", "[data-shell]", (_event, button) => show(button.dataset.shell));
  $("#shell-new").addEventListener("click", add);
  $("#keep-files").addEventListener("click", async (event) => {
    const button = event.currentTarget;
    button.disabled = true;
    try {
      // The event that follows says what became of it.
      await postJson(`${root.dataset.sandbox}keep/`);
    } catch (error) {
      toast(error.message, { error: true });
    }
    button.disabled = false;
  });
}
