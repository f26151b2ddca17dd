// The owner's MCP servers, and which of them the agent may use in this project: a switch each, kept at once.
import { $, el } from "../lib/dom.js";
import { getJson, putJson } from "../lib/http.js";
import { toast } from "../lib/toast.js";

/** Returns `load()`, which gives the section with the newest list; `changed()` hears of every switch. */
export function servers(root, changed) {
  const list = el("ul", { class: "servers" });
  const about = el("p", { class: "muted small" });
  const section = el("section", { id: "mcp-servers" }, el("h2", {}, "MCP servers"), about, list);
  let rows = [];

  function row({ id, name, host, tools, error, on }) {
    const box = el("input", { type: "checkbox", name: "mcp", value: id, checked: on, onchange: () => toggle(id, name, box) });
    const offers = error ? `It did not answer when it was last asked. ${error}` : tools.length ? `${tools.length} tool${tools.length === 1 ? "" : "s"}: ${tools.join(", ")}` : "It offers no tools.";
    return el("li", {}, el("label", { class: "check" }, box, el("b", {}, name), el("span", { class: "muted" }, host)), el("p", { class: "muted small" }, offers));
  }
  function paint() {
    about.replaceChildren(rows.length ? "In Build mode the agent may use the tools of those that are on. What they answer goes to the model. " : "Give the agent tools of your own, such as your issue tracker. ", el("a", { href: "/settings/#mcp" }, rows.length ? "Your servers" : "Connect a server"));
    list.hidden = !rows.length;
    list.replaceChildren(...rows.map(row));
  }
  async function load() {
    rows = await getJson(root.dataset.mcp);
    paint();
    return section;
  }
  async function toggle(id, name, box) {
    box.disabled = true;
    const on = rows.filter((other) => (other.id === id ? box.checked : other.on)).map((other) => other.id);
    try {
      await putJson(root.dataset.mcp, { servers: on });
      await changed();
      $("#announce").textContent = `${name} is ${on.includes(id) ? "on" : "off"}. The next run sees it.`;
      $(`[name=mcp][value="${id}"]`, section)?.focus();
    } catch (error) {
      box.checked = !box.checked;
      box.disabled = false;
      toast(error.message, { error: true });
    }
  }
  return { load };
}
