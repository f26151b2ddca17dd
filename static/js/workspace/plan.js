// A plan in the chat: changed before it is built, its questions answered, then built or left.
import { $, $$, delegate, el } from "../lib/dom.js";
import { getJson, patchJson, postJson } from "../lib/http.js";
import { toast } from "../lib/toast.js";

export function plan(root) {
  const address = (section, more = "") => `${root.dataset.runs}${section.dataset.plan}/plan/${more}`;
  const lines = (area) => area.value.split("\n").map((line) => line.trim()).filter(Boolean);

  /** The plan as a form in the card's place; `before` comes back when it is left. */
  function form(section, { title, summary, steps, files, questions }) {
    const before = [...section.childNodes];
    const field = (name, text, input) => el("div", { class: "field" }, el("label", { for: `plan-${name}` }, text), input);
    const area = (name, value, rows) => {
      const made = el("textarea", { class: "input", id: `plan-${name}`, name, rows });
      made.value = value;
      return made;
    };
    const head = el("input", { class: "input", id: "plan-title", name: "title", required: true, maxlength: 120 });
    head.value = title;
    const asked = questions.map(({ question, answer }, index) => {
      const input = el("input", { class: "input", id: `plan-question-${index}`, maxlength: 300, "data-question": question });
      input.value = answer ?? "";
      return field(`question-${index}`, question, input);
    });
    const stop = el("button", { type: "button", class: "btn sm quiet", onclick: () => section.replaceChildren(...before) }, "Cancel");
    const save = el("button", { class: "btn sm", value: "save" }, "Save");
    const build = el("button", { class: "btn sm primary", value: "build" }, "Build this plan");
    const box = el(
      "form",
      { class: "plan-form" },
      field("title", "Title", head),
      field("summary", "What you will have", area("summary", summary, 2)),
      field("steps", "Steps, a line each", area("steps", steps.join("\n"), 6)),
      field("files", "Files, a line each", area("files", files.join("\n"), 3)),
      ...asked,
      el("footer", { class: "row" }, build, save, stop),
    );
    box.addEventListener("submit", async (event) => {
      event.preventDefault();
      const value = {
        title: head.value.trim(),
        summary: $("[name=summary]", box).value.trim(),
        steps: lines($("[name=steps]", box)),
        files: lines($("[name=files]", box)),
        questions: $$("[data-question]", box).map((input) => ({ question: input.dataset.question, answer: input.value.trim() })),
      };
      for (const button of $$("button", box)) button.disabled = true;
      try {
        // The event that follows draws the plan as it is now.
        if (event.submitter?.value === "build") await postJson(address(section, "approve/"), value);
        else await patchJson(address(section), value);
      } catch (error) {
        for (const button of $$("button", box)) button.disabled = false;
        toast(error.message, { error: true });
      }
    });
    section.replaceChildren(box);
    head.focus();
  }
  delegate(document, "click", "[data-plan-edit]", async (_event, button) => {
    const section = button.closest("[data-plan]");
    button.disabled = true;
    try {
      form(section, await getJson(address(section)));
    } catch (error) {
      toast(error.message, { error: true });
    }
    button.disabled = false;
  });
}
