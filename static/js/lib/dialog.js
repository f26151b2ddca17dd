// A question in a <dialog>: resolves to what was typed (true without a field), or null when it was left.
import { $, el } from "./dom.js";

/**
 * @param {{title: string, text?: string, field?: {label: string, value?: string, select?: [number, number]}, action: string, danger?: boolean}} what
 * @returns {Promise<string | true | null>}
 */
export function ask({ title, text, field, action, danger = false }) {
  const form = el("form", { method: "dialog", class: "dialog-form" }, el("h2", {}, title));
  if (text) form.append(el("p", {}, text));
  let input;
  if (field) {
    input = el("input", { class: "input", name: "answer", required: true, autocomplete: "off", spellcheck: "false", maxlength: 200, id: "dialog-answer" });
    input.value = field.value ?? "";
    form.append(el("div", { class: "field" }, el("label", { for: "dialog-answer" }, field.label), input));
  }
  const cancel = el("button", { type: "button", class: "btn", onclick: () => box.close() }, "Cancel");
  form.append(el("div", { class: "dialog-buttons" }, cancel, el("button", { class: `btn ${danger ? "danger" : "primary"}`, value: "yes" }, action)));
  const box = el("dialog", { class: "dialog", "aria-label": title }, form);
  document.body.append(box);
  box.addEventListener("click", (event) => event.target === box && box.close());
  return new Promise((resolve) => {
    box.addEventListener("close", () => {
      const yes = box.returnValue === "yes";
      resolve(yes ? (input ? input.value.trim() || null : true) : null);
      box.remove();
    });
    box.showModal();
    (input ?? $("[value=yes]", form)).focus();
    if (field?.select) input.setSelectionRange(...field.select);
  });
}
