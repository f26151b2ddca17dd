// The stages of a run: how long each took, what is usual here, and how far along that makes it.
import { $, $$ } from "../lib/dom.js";

/** A stage that takes longer than usual never looks finished. */
const MOST_OF_A_STAGE = 0.95;
const seconds = (value) => (value < 9.95 ? `${value.toFixed(1)} s` : value < 90 ? `${Math.round(value)} s` : `${Math.round(value / 60)} min`);

/** `typical` is {stage: seconds}, measured by the server in builds with the same framework. */
export function stages(typical) {
  const rows = $$("#stages > li").map((row) => {
    const names = row.dataset.stages.split(" ");
    return { row, names, usual: names.reduce((sum, name) => sum + (typical[name] ?? 0), 0), spent: 0 };
  });
  const bar = $("#progress");
  const toggle = $("#stage-toggle");
  const total = rows.reduce((sum, { usual }) => sum + usual, 0);
  let now = -1;
  let since = 0;
  let furthest = 0;

  toggle.addEventListener("click", () => {
    const on = toggle.getAttribute("aria-expanded") !== "true";
    toggle.setAttribute("aria-expanded", on);
    $("#stages").hidden = !on;
  });

  function reset() {
    now = -1;
    furthest = 0;
    for (const one of rows) one.spent = 0;
    paint();
  }
  /** A stage begins at `at` (ms). False for one that is not on the line. */
  function begin(stage, at) {
    const index = rows.findIndex(({ names }) => names.includes(stage));
    if (index < 0) return false;
    if (now >= 0) rows[now].spent += Math.max(0, at - since) / 1000;
    now = index;
    since = at;
    paint();
    return true;
  }
  const running = () => (now < 0 ? 0 : Math.max(0, Date.now() - since) / 1000);

  /** Seconds that are left, as far as is known; 0 when it is not. */
  function left() {
    if (!total) return 0;
    return rows.reduce((sum, { usual, spent }, index) => sum + (index < now ? 0 : Math.max(0, usual - (index === now ? spent + running() : 0))), 0);
  }
  function paint() {
    for (const [index, { row, usual, spent }] of rows.entries()) {
      const took = spent + (index === now ? running() : 0);
      row.className = index === now ? "now" : index < now && took ? "past" : "";
      const said = [took ? seconds(took) : "", usual && index >= now ? `usually ${seconds(usual)}` : ""].filter(Boolean).join(" · ");
      const place = $("span", row);
      if (place.textContent !== said) place.textContent = said;
    }
    bar.toggleAttribute("data-unknown", !total || now < 0);
    if (!total || now < 0) return bar.removeAttribute("aria-valuenow");
    const done = rows.reduce((sum, { usual, spent }, index) => sum + (index < now ? usual : index === now ? Math.min(usual * MOST_OF_A_STAGE, spent + running()) : 0), 0);
    // Going back to fix something does not take the bar back.
    furthest = Math.max(furthest, Math.round((done / total) * 100));
    bar.setAttribute("aria-valuenow", furthest);
    bar.style.setProperty("--done", `${furthest}%`);
  }
  return { begin, reset, paint, left };
}
