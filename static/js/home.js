// Landing, showcase and new-project boxes: examples fill the box, a draft survives signing up.
import "./site.js";
import { $, $$, delegate, el } from "./lib/dom.js";
import { limit } from "./lib/limit.js";
import { mentions } from "./lib/mentions.js";
import { promptBox } from "./lib/prompt.js";
import { remember } from "./lib/store.js";

const form = $("[data-prompt-form]");
if (form) {
  const box = promptBox(form);
  limit(form);
  const others = form.dataset.mentions && mentions(form, box.area);
  form.addEventListener("submit", () => {
    for (const old of $$("[name=references]", form)) old.remove();
    const ids = others ? others.ids(box.area.value) : [];
    form.append(...ids.map((id) => el("input", { type: "hidden", name: "references", value: id })));
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
