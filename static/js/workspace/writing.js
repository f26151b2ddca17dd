// The tool call that the model is writing: a card in the place of the one that is to come, until a step takes it.
import { $, el, icon } from "../lib/dom.js";

const VERBS = { write_files: "Writing", edit_file: "Editing" };
const ICONS = { write_files: "file-plus", edit_file: "pencil" };
/** Other tools by their names: a server's without what only tells it apart. */
const spoken = (name) => {
  const words = name.replace(/^mcp__/, "").replace(/_+/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
};

export function writing() {
  const list = $("#chat");
  const title = el("span", { class: "tool-title" });
  const note = el("span", { class: "tool-note num" });
  let item = null;
  let run = "";
  let tool = "";

  /** What run `id` is writing, by a live event. True when the card is new in the chat. */
  function show(id, { name, path, lines }) {
    const cut = path.lastIndexOf("/") + 1;
    if (VERBS[name]) title.replaceChildren(`${VERBS[name]} `, el("span", { class: "folders" }, path.slice(0, cut)), el("span", {}, path.slice(cut) || "a file"));
    else title.replaceChildren(el("span", {}, spoken(name)));
    note.textContent = lines ? `${lines} ${lines === 1 ? "line" : "lines"}` : "";
    if (item && id === run && name === tool) return false;
    const isNew = !item;
    run = id;
    tool = name;
    item ??= list.appendChild(el("li", { class: "item fresh", id: "tool-writing" }));
    const end = el("span", { class: "tool-end" }, el("span", { class: "spinner", role: "img", "aria-label": "Being written" }));
    item.replaceChildren(el("div", { class: "tool" }, el("div", { class: "tool-line" }, icon(ICONS[name] ?? "bolt"), title, note, end)));
    return isNew;
  }

  /** It is written, or will be written anew. */
  function drop(id) {
    if (id !== run) return;
    item?.remove();
    item = null;
  }
  return { show, drop };
}
