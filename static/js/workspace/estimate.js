// What the next message will probably cost, beside the mode it is for; empty while there is too little to judge by.
import { getJson } from "../lib/http.js";

export function estimate(place, mode) {
  let asked = "";

  async function show() {
    const chosen = (asked = mode.value);
    const query = new URLSearchParams({ project: place.dataset.project, mode: chosen });
    try {
      const found = await getJson(`${place.dataset.url}?${query}`);
      if (chosen !== asked) return;
      place.textContent = found.own_key ? "your own key" : found.text ? `usually ${found.text}` : "";
    } catch {
      place.textContent = ""; // a guess is worth no error message
    }
  }
  mode.addEventListener("change", show);
  return { show };
}
