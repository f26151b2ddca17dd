// What has to stay true of the app: a list that grows with each change, green or red. A person may add one, or delete one.
import { $, el, icon } from "../lib/dom.js";
import { getJson, postJson, remove } from "../lib/http.js";
import { toast } from "../lib/toast.js";

const STATES = { true: ["good", "check", "True"], false: ["bad", "x", "Not true"], null: ["unknown", "clock", "Not checked"] };

/** Returns `load()`, which gives the section with its newest list; what is being typed stays. */
export function promises(root) {
  const count = el("span", { class: "muted" });
  const list = el("ul", { class: "promises" });
  const about = el("p", { class: "muted small" }, "What has to stay true. With each change the agent says what a visitor can see now; it is kept here, checked again after every later change, and mended when a change breaks it.");
  const form = add();
  const section = el("section", { id: "promises" }, el("h2", {}, "Promises ", count), about, list, form);

  function row({ id, says, path, text, version, holds, checked }) {
    const [state, sign, word] = STATES[holds];
    const seen = holds === null ? (checked === null ? "Not checked yet" : `Not checked since version ${checked}`) : `${word} in version ${checked}`;
    const from = version === null ? "added by hand" : `from version ${version}`;
    const drop = el("button", { type: "button", class: "btn quiet sm square", title: "Delete", "aria-label": `Delete: ${says}`, onclick: () => forget(id, drop) }, icon("trash"));
    return el(
      "li",
      { "data-state": state },
      icon(sign),
      el("div", {}, el("p", {}, says), el("p", { class: "muted small" }, el("span", { class: "state" }, seen), ` · ${from} · `, el("q", {}, text), ` on ${path}`)),
      drop,
    );
  }
  function paint(rows) {
    const good = rows.filter(({ holds }) => holds).length;
    count.textContent = rows.length ? `${good} of ${rows.length}` : "";
    list.hidden = !rows.length;
    list.replaceChildren(...rows.map(row));
  }
  async function load() {
    paint(await getJson(root.dataset.promises));
    return section;
  }
  async function forget(id, button) {
    button.disabled = true;
    try {
      await remove(`${root.dataset.promises}${id}/`);
      await load();
      $("[name=says]", form).focus();
      $("#announce").textContent = "Deleted.";
    } catch (error) {
      button.disabled = false;
      toast(error.message, { error: true });
    }
  }
  function field(name, title, props) {
    return el("div", { class: "field" }, el("label", { for: `promise-${name}` }, title), el("input", { class: "input", id: `promise-${name}`, name, autocomplete: "off", ...props }));
  }
  function add() {
    const button = el("button", { class: "btn" }, "Add");
    const made = el(
      "form",
      { class: "promise-form" },
      field("says", "What a visitor sees", { required: true, maxlength: 120, placeholder: "It says when it is open" }),
      field("text", "Words that stand there", { required: true, maxlength: 80, placeholder: "Open from 7" }),
      field("path", "Page", { required: true, maxlength: 200, value: "/", pattern: "/.*" }),
      button,
    );
    made.addEventListener("submit", async (event) => {
      event.preventDefault();
      button.disabled = true;
      try {
        await postJson(root.dataset.promises, Object.fromEntries(new FormData(made)));
        made.reset();
        await load();
        $("#announce").textContent = "Added. The next change is checked for it.";
      } catch (error) {
        toast(error.message, { error: true });
      }
      button.disabled = false;
    });
    return made;
  }
  return { load };
}
