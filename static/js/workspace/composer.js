// Sends messages: shown at once, confirmed by the event, given back with the reason when refused.
import { $ } from "../lib/dom.js";
import { postJson } from "../lib/http.js";
import { promptBox } from "../lib/prompt.js";

export function composer(root, chat) {
  const form = $("#composer");
  const mode = $("#mode");
  const box = promptBox(form);
  const plans = $("#composer-error a");

  mode.addEventListener("change", () => {
    form.dataset.mode = mode.value;
    box.area.placeholder = mode.value === "ask" ? "Ask about this app; no file is changed" : "What should change?";
  });

  // One after the other, in the order they were typed; the box is free for the next at once.
  let sending = Promise.resolve();
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = box.area.value.trim();
    if (!text) return;
    const item = chat.pending(text);
    const chosen = mode.value;
    box.clear();
    sending = sending.then(() => send(text, chosen, item));
  });

  async function send(text, chosen, item) {
    try {
      await postJson(root.dataset.messages, { text, mode: chosen });
    } catch (error) {
      item.remove();
      const typed = box.area.value;
      box.fill(typed ? `${text}\n\n${typed}` : text);
      box.error(error.message);
      plans.hidden = error.status !== 402;
    }
  }
  return { fill: box.fill };
}
