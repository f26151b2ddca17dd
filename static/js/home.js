// Landing, showcase and new-project boxes: examples fill the box, a draft and its files survive signing up.
import "./site.js";
import { $, $$, delegate, el } from "./lib/dom.js";
import { firstFiles } from "./lib/firstfiles.js";
import { limit } from "./lib/limit.js";
import { mentions } from "./lib/mentions.js";
import { promptBox } from "./lib/prompt.js";
import { remember } from "./lib/store.js";
import { toast } from "./lib/toast.js";

const form = $("[data-prompt-form]");
if (form) {
  const box = promptBox(form);
  limit(form);
  const files = firstFiles(form, box);
  const others = form.dataset.mentions && mentions(form, box.area);
  form.addEventListener("submit", async (event) => {
    for (const old of $$("[name=references]", form)) old.remove();
    const ids = others ? others.ids(box.area.value) : [];
    form.append(...ids.map((id) => el("input", { type: "hidden", name: "references", value: id })));
    box.busy(true);
    // The draft is dropped when the project that it became is seen, not before; it may be none yet, but what a link said.
    remember("draft:new", box.area.value);
    remember("sent:new", box.area.value);
    if (!files.any()) return;
    event.preventDefault();
    try {
      await files.send();
    } catch (error) {
      box.busy(false);
      box.error(error.message);
    }
  });
  addEventListener("pageshow", () => box.busy(false));
  let example = "";
  delegate(document, "click", "[data-example]", (event, link) => {
    event.preventDefault();
    const typed = box.area.value;
    if (typed.trim() && typed !== example) {
      toast("The example took the place of your words.", { action: { label: "Undo", run: () => box.fill(typed) } });
    }
    example = link.dataset.example;
    box.fill(example);
    form.scrollIntoView({ block: "center", behavior: "smooth" });
  });
}
