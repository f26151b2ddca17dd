// Short messages at the foot of the page; one may carry an action such as Undo.
import { $, $$, el, icon } from "./dom.js";

/**
 * Shows `text`, in place of one that says the same and undoes nothing. `action` is {label, run}; where that fails, why,
 * with the action again.
 * Stays longer with an action, and until dismissed when it is an error. Returns what takes it away.
 */
export function toast(text, { action, error = false } = {}) {
  const close = () => box.remove();
  const box = el("div", { class: `toast${error ? " error" : ""}` }, el("span", {}, text));
  if (action) {
    const run = async () => {
      close();
      try {
        await action.run();
      } catch (error) {
        toast(error.message, { action, error: true });
      }
    };
    box.append(el("button", { type: "button", class: "toast-action", onclick: run }, action.label));
  }
  box.append(el("button", { type: "button", "aria-label": "Dismiss", onclick: close }, icon("x")));
  for (const one of $$("#toasts .toast:not(:has(.toast-action))")) if (one.firstElementChild.textContent === text) one.remove();
  $("#toasts").append(box);
  if (!error) setTimeout(close, action ? 10_000 : 4_500);
  return close;
}
