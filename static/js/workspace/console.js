// What the app's console says, below the preview: errors counted on the button, each with "Fix this".
import { $, el, icon } from "../lib/dom.js";

const MOST = 200;

export function appConsole(root, panes, composer) {
  const panel = $("#console");
  const list = $("#console-lines");
  const toggle = $("#console-toggle");
  const badge = $("#console-count");
  const sum = $("#console-sum");
  let path = "/";
  let errors = 0;

  function paint() {
    badge.hidden = errors === 0;
    badge.textContent = errors > 99 ? "99+" : String(errors);
    toggle.setAttribute("aria-label", errors ? `Console, ${errors} error${errors === 1 ? "" : "s"}` : "Console");
    $("#console-fix").hidden = errors === 0;
    sum.textContent = errors ? `${errors} error${errors === 1 ? "" : "s"}` : list.childElementCount ? "No errors" : "Nothing was said yet.";
  }
  function add({ level, text }) {
    if (level === "error") errors += 1;
    const last = list.lastElementChild;
    if (last && last.dataset.level === level && $("pre", last).textContent === text) {
      const times = $(".times", last);
      times.textContent = String(Number(times.textContent || 1) + 1);
      return paint();
    }
    const row = el("li", { "data-level": level }, icon(level === "error" ? "x" : level === "warn" ? "alert" : "chevron-right"), el("pre", {}, text), el("span", { class: "times num muted" }));
    if (level === "error") row.append(el("button", { type: "button", class: "btn sm", onclick: () => fix([text]) }, "Fix this"));
    list.append(row);
    if (list.childElementCount > MOST) list.firstElementChild.remove();
    paint();
  }
  function fix(texts) {
    if (matchMedia("(max-width: 820px)").matches) panes.show("chat");
    const said = texts.map((text) => `\`\`\`\n${text.replaceAll("```", "'''")}\n\`\`\``).join("\n");
    composer.fill(`On ${path} the browser's console shows ${texts.length === 1 ? "an error" : "errors"}:\n${said}\nFind the cause and mend it.`);
  }
  function clear() {
    list.replaceChildren();
    errors = 0;
    paint();
  }
  function show(on) {
    panel.hidden = !on;
    toggle.setAttribute("aria-expanded", on);
  }
  toggle.addEventListener("click", () => show(panel.hidden));
  $("#console-close").addEventListener("click", () => {
    show(false);
    toggle.focus();
  });
  $("#console-clear").addEventListener("click", clear);
  $("#console-fix").addEventListener("click", () => {
    const found = [...list.children].filter((row) => row.dataset.level === "error").map((row) => $("pre", row).textContent);
    fix([...new Set(found)].slice(-5));
  });
  paint();
  return { add, clear, at: (now) => (path = now) };
}
