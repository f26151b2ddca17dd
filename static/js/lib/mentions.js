// @ in a prompt opens a list of the person's other projects. A chosen one stands in the text as @name; its id goes along.
import { el, icon, isComposing } from "./dom.js";
import { getJson } from "./http.js";
import { recall, remember } from "./store.js";

const WAIT = 120;
const SHOWN = 8;
/** What stands between an @ that begins a word and the caret. */
const TYPED = /(?:^|[\s(])@([^@\n]{0,40})$/;

/** Wires the form's textarea. Returns {ids(text)}: of the projects that were chosen and that a text still names. */
export function mentions(form, area) {
  const draft = `mentions:${form.dataset.draft}`;
  const list = el("ul", { class: "mentions", id: `${area.id}-mentions`, role: "listbox", "aria-label": "Your other projects", hidden: true });
  const told = el("p", { class: "sr", role: "status" });
  form.append(list, told);
  area.setAttribute("aria-autocomplete", "list");
  area.setAttribute("aria-controls", list.id);

  // Name → id.
  let chosen = new Map(JSON.parse(recall(draft) ?? "[]"));
  let timer;
  let latest = 0;
  let at = 0;
  // Where the @ stands whose list was closed by hand; what nothing was found for.
  let left = -1;
  let none = null;
  const typed = () => TYPED.exec(area.value.slice(0, area.selectionStart))?.[1];
  const names = (text, name) => text.includes(`@${name}`);

  function close() {
    clearTimeout(timer);
    latest += 1;
    list.hidden = true;
    area.removeAttribute("aria-activedescendant");
    told.textContent = "";
  }
  function select(place) {
    at = (place + list.childElementCount) % list.childElementCount;
    [...list.children].forEach((option, number) => option.setAttribute("aria-selected", String(number === at)));
    list.children[at].scrollIntoView({ block: "nearest" });
    area.setAttribute("aria-activedescendant", list.children[at].id);
  }
  function choose(option) {
    const { id, name } = option.dataset;
    area.setRangeText(`@${name} `, area.selectionStart - typed().length - 1, area.selectionStart, "end");
    chosen = new Map([...[...chosen].filter(([other]) => names(area.value, other)), [name, id]]);
    remember(draft, JSON.stringify([...chosen]));
    close();
    area.dispatchEvent(new Event("input"));
  }
  async function show(words) {
    const mine = ++latest;
    const url = `${form.dataset.mentions}?${new URLSearchParams({ search: words, page_size: SHOWN + 1 })}`;
    const found = await getJson(url).catch(() => ({ results: [] }));
    if (mine !== latest || typed() !== words) return;
    const others = found.results.filter(({ id }) => id !== form.dataset.draft).slice(0, SHOWN);
    if (!others.length) {
      none = words;
      return close();
    }
    list.replaceChildren(
      ...others.map(({ id, name, framework }, number) =>
        el("li", { role: "option", id: `${list.id}-${number}`, "data-id": id, "data-name": name }, icon("box"), el("span", {}, name), el("small", {}, framework)),
      ),
    );
    list.hidden = false;
    told.textContent = `${others.length === 1 ? "1 project" : `${others.length} projects`}. Arrows choose, Enter takes one.`;
    select(0);
  }
  area.addEventListener("input", () => {
    const words = typed();
    if (words === undefined) left = -1;
    const isOver = words === undefined || area.selectionStart - words.length === left || [...chosen.keys()].some((name) => `${words} `.startsWith(`${name} `));
    if (isOver || (none !== null && words.startsWith(none))) return close();
    none = null;
    clearTimeout(timer);
    timer = setTimeout(() => show(words), WAIT);
  });
  // Before the prompt's own keys: there Enter sends.
  area.addEventListener(
    "keydown",
    (event) => {
      if (list.hidden || isComposing(event) || event.shiftKey) return;
      if (event.key === "ArrowDown" || event.key === "ArrowUp") select(at + (event.key === "ArrowDown" ? 1 : -1));
      else if (event.key === "Enter" || event.key === "Tab") choose(list.children[at]);
      else if (event.key === "Escape") {
        left = area.selectionStart - typed().length;
        close();
      } else return;
      event.preventDefault();
      event.stopImmediatePropagation();
    },
    { capture: true },
  );
  area.addEventListener("blur", close);
  // A press must not take the focus, and with it the list, away.
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) choose(option);
  });

  return {
    ids(text) {
      const found = [];
      // The long ones first: a name may be the beginning of another.
      for (const [name, id] of [...chosen].sort(([a], [b]) => b.length - a.length)) {
        if (names(text, name)) found.push(id);
        text = text.replaceAll(`@${name}`, "");
      }
      return found;
    },
  };
}
