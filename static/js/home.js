// Landing, showcase and new-project boxes: examples fill the box, a draft survives signing up.
import "./site.js";
import { $, delegate } from "./lib/dom.js";
import { promptBox } from "./lib/prompt.js";

const form = $("[data-prompt-form]");
if (form) {
  const box = promptBox(form);
  form.addEventListener("submit", () => {
    box.busy(true);
    // The server has it now: kept in the session until after signing up.
    setTimeout(() => box.area.value && localStorage.removeItem("vibe:draft:new"), 0);
  });
  addEventListener("pageshow", () => box.busy(false));
  delegate(document, "click", "[data-example]", (event, link) => {
    event.preventDefault();
    box.fill(link.dataset.example);
    form.scrollIntoView({ block: "center", behavior: "smooth" });
  });
}
