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
const NAMES = [...TEXTS, ...SWITCHES].map(([name]) => name);

const isSame = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/** Returns `load()`, which gives the form, the same each time; `locked(patterns)` hears of other locks. */
export function briefing(root, locked) {
  const save = el("button", { class: "btn primary", disabled: true }, "Save");
  const state = el("span", { class: "muted small", role: "status" });
  const form = el("form", { class: "briefing" }, ...TEXTS.map(field), ...SWITCHES.map(choice), el("div", { class: "row" }, save, state));
  const input = (name) => $(`[name=${name}]`, form);
  // What the server had when a field last followed it.
  let before = now();
  let latest = 0;

  function field([name, title, help, limit]) {
    const area = el("textarea", { class: "input", id: `brief-${name}`, name, rows: 3, maxlength: limit, "aria-describedby": `brief-${name}-help`, spellcheck: name === "locked" ? "false" : null });
    return el("div", { class: "field" }, el("label", { for: `brief-${name}` }, title), el("p", { class: "muted small", id: `brief-${name}-help` }, help), area);
  }
  function choice([name, title]) {
    return el("label", { class: "check" }, el("input", { type: "checkbox", name }), title);
  }
  function read(name) {
    const { type, checked, value } = input(name);
    if (type === "checkbox") return checked;
    return name === "locked" ? value.split("\n").map((line) => line.trim()).filter(Boolean) : value.trim();
  }
  function put(name, value) {
    // Putting there what is there would move the cursor.
    if (isSame(read(name), value)) return;
    if (input(name).type === "checkbox") input(name).checked = value;
    else input(name).value = name === "locked" ? value.join("\n") : value;
  }
  function now() {
    return Object.fromEntries(NAMES.map((name) => [name, read(name)]));
  }
  /** What was changed in the form and is not saved, by name. */
  function changes() {
    return Object.fromEntries(Object.entries(now()).filter(([name, value]) => !isSame(value, before[name])));
  }
  function tell(words = "") {
    save.disabled = !Object.keys(changes()).length;
    state.textContent = save.disabled ? words : "Not saved yet";
  }
  /** Fields follow what the server has, but for those with something in them that is not saved. */
  function follow(kept) {
    const edited = changes();
    for (const name of NAMES) {
      if (name in edited) continue;
      put(name, kept[name]);
      before[name] = read(name);
    }
    if (!edited.locked) return;
    // Locks that were set or taken away meanwhile are so here too, beside what was typed.
    const mine = edited.locked.filter((lock) => kept.locked.includes(lock) || !before.locked.includes(lock));
    const others = kept.locked.filter((lock) => !before.locked.includes(lock) && !mine.includes(lock));
    put("locked", [...mine, ...others]);
    before.locked = kept.locked;
  }

  form.addEventListener("input", () => tell());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    save.disabled = true;
    try {
      if (changes().locked) follow(await getJson(root.dataset.self));
      const sent = now();
      const kept = await patchJson(root.dataset.self, changes());
      latest += 1;
      before = sent;
      follow(kept);
      locked(kept.locked);
      tell("Saved. The next run keeps to it.");
    } catch (error) {
      tell();
      toast(error.message, { error: true });
    }
  });
  form.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter") form.requestSubmit();
  });
  addEventListener("beforeunload", (event) => {
    if (Object.keys(changes()).length) event.preventDefault();
  });
  return {
    async load() {
      const mine = ++latest;
      const kept = await getJson(root.dataset.self);
      // An answer from before a save is not true any more.
      if (mine === latest) follow(kept);
      return form;
    },
  };
}
