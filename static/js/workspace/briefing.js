// What the owner tells every run: rules, review criteria, memory, locked files, and two switches. Saved by hand.
import { $, el } from "../lib/dom.js";
import { getJson, patchJson } from "../lib/http.js";
import { toast } from "../lib/toast.js";

const TEXTS = [
  ["rules", "Rules", "What the agent has to keep to, in every run. For example: prices in euros; no new packages.", 8_000],
  ["criteria", "Review criteria", "What the second look at each change pays attention to, besides its own list.", 4_000],
  ["memory", "Memory", "What the agent noted for later runs, a line each. Correct it, or delete what is not true any more.", 8_000],
  ["locked", "Locked files", "Patterns like those of .gitignore, a line each: src/legal/, *.config.js. The agent reads them and does not change them.", 10_000],
];
const SWITCHES = [
  ["review", "Review each change before it counts"],
  ["auto_fix", "Let the agent mend what its checks find"],
];

/** Returns `load()`, which fills `box`; `locked(patterns)` hears of other locks. */
export function briefing(root, locked) {
  let kept = {};
  // What was changed in the form and is not saved, by name.
  let changes = () => ({});
  addEventListener("beforeunload", (event) => {
    if (Object.keys(changes()).length) event.preventDefault();
  });

  function field([name, title, help, limit]) {
    const area = el("textarea", { class: "input", id: `brief-${name}`, name, rows: 3, maxlength: limit, "aria-describedby": `brief-${name}-help`, spellcheck: name === "locked" ? "false" : null });
    area.value = name === "locked" ? kept.locked.join("\n") : kept[name];
    return el("div", { class: "field" }, el("label", { for: `brief-${name}` }, title), el("p", { class: "muted small", id: `brief-${name}-help` }, help), area);
  }
  function box() {
    const switches = SWITCHES.map(([name, title]) => el("label", { class: "check" }, el("input", { type: "checkbox", name, checked: kept[name] }), title));
    const save = el("button", { class: "btn primary", disabled: true }, "Save");
    const state = el("span", { class: "muted small", role: "status" });
    const form = el("form", { class: "briefing" }, ...TEXTS.map(field), ...switches, el("div", { class: "row" }, save, state));
    const now = () => {
      const values = Object.fromEntries(TEXTS.map(([name]) => [name, $(`[name=${name}]`, form).value.trim()]));
      values.locked = values.locked.split("\n").map((line) => line.trim()).filter(Boolean);
      for (const [name] of SWITCHES) values[name] = $(`[name=${name}]`, form).checked;
      return values;
    };
    let before = now();
    changes = () => Object.fromEntries(Object.entries(now()).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name])));
    form.addEventListener("input", () => {
      save.disabled = !Object.keys(changes()).length;
      state.textContent = save.disabled ? "" : "Not saved yet";
    });
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      save.disabled = true;
      const sent = now();
      try {
        kept = await patchJson(root.dataset.self, changes());
        before = sent;
        locked(kept.locked);
        state.textContent = "Saved. The next run keeps to it.";
      } catch (error) {
        save.disabled = false;
        state.textContent = "";
        toast(error.message, { error: true });
      }
    });
    form.addEventListener("keydown", (event) => {
      if ((event.ctrlKey || event.metaKey) && event.key === "Enter") form.requestSubmit();
    });
    return form;
  }
  return {
    async load() {
      // What was typed and not saved is not thrown away by a new version.
      const there = $(".briefing");
      if (there && Object.keys(changes()).length) return there;
      kept = await getJson(root.dataset.self);
      return box();
    },
  };
}
