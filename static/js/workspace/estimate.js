// What the next message will probably cost, by its mode and model; empty while there is too little to judge by.
import { getJson } from "../lib/http.js";

export function estimate(place, mode, model) {
  let asked = "";

  async function show() {
    const chosen = (asked = `${mode.value} ${model.value}`);
    const query = new URLSearchParams({ project: place.dataset.project, mode: mode.value, model: model.value });
    try {
      const found = await getJson(`${place.dataset.url}?${query}`);
      if (chosen !== asked) return;
      place.textContent = found.own_key ? "your own key" : found.text ? `usually ${found.text}` : "";
    } catch {
      place.textContent = ""; // a guess is worth no error message
    }
  }
  for (const choice of [mode, model]) choice.addEventListener("change", show);
  return { show };
}
