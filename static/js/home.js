// Landing, showcase and new-project boxes: examples fill the box, a draft survives signing up.
import "./site.js";
import { $, delegate } from "./lib/dom.js";
import { limit } from "./lib/limit.js";
import { promptBox } from "./lib/prompt.js";
import { remember } from "./lib/store.js";

const form = $("[data-prompt-form]");
if (form) {
  const box = promptBox(form);
  limit(form);
  form.addEventListener("submit", () => {
    box.busy(true);
    // The draft is dropped when the project that it became is seen, not before.
    remember("sent:new", box.area.value);
  });
  addEventListener("pageshow", () => box.busy(false));
  delegate(document, "click", "[data-example]", (event, link) => {
    event.preventDefault();
    box.fill(link.dataset.example);
    form.scrollIntoView({ block: "center", behavior: "smooth" });
  });
}
