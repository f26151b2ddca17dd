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

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = box.area.value.trim();
    if (!text) return;
    const item = chat.pending(text);
    box.clear();
    box.busy(true);
    try {
      await postJson(root.dataset.messages, { text, mode: mode.value });
    } catch (error) {
      item.remove();
      box.fill(text);
      box.error(error.message);
      plans.hidden = error.status !== 402;
    } finally {
      box.busy(false);
    }
  });
  return { fill: box.fill };
}
