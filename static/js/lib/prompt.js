// The box a prompt is written in: grows, counts near the limit, keeps a draft, sends on Enter.
import { $, isComposing } from "./dom.js";
import { recall, remember } from "./store.js";

const NEAR = 0.9;

/**
 * Wires `form` (with a textarea). Returns {area, error(text), busy(bool), isBusy(), fill(text, {focus})}; lend(text) and
 * giveBack(): in between, what is typed is another text and the draft is kept; and depart(text): empties the box of what is
 * sent, and returns what is called once it arrived or is to be back in the box. Until then the draft that is kept has it too.
 */
export function promptBox(form) {
  const area = $("textarea", form);
  const counter = $("[data-count]", form);
  const send = $(".send", form);
  const problem = $(".prompt-error", form);
  const limit = Number(area.dataset.limit);
  const draft = `draft:${form.dataset.draft}`;

  // The draft's text while the box is lent.
  let own = null;
  let departed = [];
  const keep = () => remember(draft, [...departed.map((one) => one.text), own ?? area.value].filter(Boolean).join("\n\n"));

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
    keep();
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
      own = area.value;
      fill(text);
    },
    giveBack() {
      const text = own;
      own = null;
      fill(text);
    },
    busy(on) {
      send.setAttribute("aria-busy", on);
      refresh();
    },
    depart(text) {
      const one = { text };
      departed.push(one);
      area.value = "";
      refresh();
      return () => {
        departed = departed.filter((other) => other !== one);
        keep();
      };
    },
  };
}
