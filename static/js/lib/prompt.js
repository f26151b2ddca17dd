// The box a prompt is written in: grows, counts near the limit, keeps a draft, sends on Enter.
import { $, isComposing } from "./dom.js";
import { recall, remember } from "./store.js";

const NEAR = 0.9;

/**
 * Wires `form` (with a textarea). Returns {area, error(text), busy(bool), isBusy(), clear(), fill(text)}, and lend(text) and
 * giveBack(text): in between, what is typed is another text and the draft is kept.
 */
export function promptBox(form) {
  const area = $("textarea", form);
  const counter = $("[data-count]", form);
  const send = $(".send", form);
  const problem = $(".prompt-error", form);
  const limit = Number(area.dataset.limit);
  const draft = `draft:${form.dataset.draft}`;

  let lent = false;

  if (!area.value) area.value = recall(draft) ?? "";

  function refresh() {
    const length = [...area.value].length;
    counter.hidden = length < limit * NEAR;
    counter.textContent = `${length.toLocaleString("en")} / ${limit.toLocaleString("en")}`;
    counter.classList.toggle("over", length > limit);
    send.disabled = !area.value.trim() || send.getAttribute("aria-busy") === "true";
    // Where CSS cannot size a field by its content.
    if (!CSS.supports("field-sizing", "content")) {
      area.style.height = "auto";
      area.style.height = `${area.scrollHeight}px`;
    }
  }
  function error(text) {
    problem.hidden = !text;
    ($("span", problem) ?? problem).textContent = text ?? "";
    if (text) area.setAttribute("aria-invalid", "true");
    else area.removeAttribute("aria-invalid");
  }
  // First of the form's listeners: what is too long goes nowhere, and stays where it is.
  form.addEventListener("submit", (event) => {
    const length = [...area.value].length;
    if (length <= limit) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    error(`This is ${length.toLocaleString("en")} characters long; ${limit.toLocaleString("en")} are possible. Shorten it a little.`);
  });
  area.addEventListener("input", () => {
    if (!lent) remember(draft, area.value);
    error(null);
    refresh();
  });
  area.addEventListener("keydown", (event) => {
    const plain = event.key === "Enter" && !event.shiftKey && !isComposing(event);
    if (!plain) return;
    event.preventDefault();
    if (!send.disabled) form.requestSubmit(send);
  });
  // A page that comes back from the history must not still be "sending".
  addEventListener("pageshow", refresh);
  refresh();
  function fill(text, { focus = true } = {}) {
    area.value = text;
    area.dispatchEvent(new Event("input"));
    if (focus) area.focus();
    area.setSelectionRange(text.length, text.length);
  }
  return {
    area,
    error,
    refresh,
    fill,
    isBusy: () => send.getAttribute("aria-busy") === "true",
    lend(text) {
      lent = true;
      fill(text);
    },
    giveBack(text) {
      lent = false;
      fill(text);
    },
    busy(on) {
      send.setAttribute("aria-busy", on);
      refresh();
    },
    clear() {
      area.value = "";
      remember(draft, null);
      refresh();
    },
  };
}
