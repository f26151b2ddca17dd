// The most a run may cost, in credits: a chip beside mode and model that opens into a field.
import { $ } from "./dom.js";

const MICRO = 1_000_000;

/** Wires the chip in `form`. Returns `micro()`: micro-credits, null without a limit. `changed` hears of another limit. */
export function limit(form, changed = () => {}) {
  const menu = $("[data-limit-menu]", form);
  const input = $("input", menu);
  const micro = () => (input.value.trim() ? Math.round(Number(input.value) * MICRO) : null);

  function show() {
    // What is allowed, in words; a browser's own say that the format is wrong.
    input.setCustomValidity(input.validity.patternMismatch ? input.title : "");
    $("[data-limit-text]", menu).textContent = !input.value.trim() ? "Limit" : input.validity.valid ? `≤ ${input.value.trim()}` : "No limit yet";
  }
  function close() {
    menu.open = false;
    $("textarea", form).focus();
  }
  menu.addEventListener("toggle", () => menu.open && input.focus());
  input.addEventListener("input", show);
  input.addEventListener("change", () => input.reportValidity() && changed(micro()));
  // A field in a closed menu cannot be shown to be wrong, and nothing would be sent without a word.
  input.addEventListener("invalid", () => (menu.open = true));
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    if (input.reportValidity()) close();
  });
  addEventListener("pageshow", show);
  show();
  return { micro };
}
