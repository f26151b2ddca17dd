// What the run is doing: state badge, stage line, seconds, Stop, and the page's title.
import { $, $$ } from "../lib/dom.js";
import { postJson } from "../lib/http.js";
import { clock } from "../lib/time.js";
import { toast } from "../lib/toast.js";
import { stages as makeStages } from "./stages.js";

const ACTIVE = new Set(["queued", "running", "waiting", "cancelling"]);
const WORDS = {
  queued: "Queued",
  running: "Working",
  waiting: "Waiting",
  cancelling: "Stopping",
  planned: "Plan ready",
  succeeded: "Done",
  failed: "Failed",
  cancelled: "Stopped",
  stopped: "Limit reached",
};

export function runLine(root) {
  const line = $("#run-line");
  const title = $("#stage-title");
  const stop = $("#stop");
  const known = JSON.parse($("#run-facts").textContent);
  const stages = makeStages(known.typical);
  const name = root.dataset.name;
  let run = root.dataset.run;
  let state = root.dataset.runState;
  let planned = false;
  let started = Date.parse(root.dataset.runStarted) || Date.now();
  // Runs that wait behind the one shown.
  const behind = new Set($$("[data-queued]:not([data-aside])", root).map((item) => item.dataset.queued));

  function tick() {
    if (!ACTIVE.has(state)) return;
    const text = clock(Math.max(0, Date.now() - started) / 1000);
    const seconds = state === "running" ? Math.round(stages.left()) : 0;
    const left = seconds > 1 ? ` · about ${seconds < 100 ? `${seconds} s` : `${Math.round(seconds / 60)} min`} left` : "";
    stages.paint();
    $("#elapsed").textContent = text + left;
  }
  setInterval(tick, 1000);

  function paint(announce = true) {
    const active = ACTIVE.has(state);
    // Where Stop was pressed, the focus must not fall to the page.
    const left = !active && line.contains(document.activeElement);
    line.hidden = !active;
    if (left) $("#chat-scroll").focus({ preventScroll: true });
    $("#suggestions").hidden = active || !root.dataset.version;
    // On the body, for what is above the workspace as well.
    document.body.toggleAttribute("data-working", active);
    const badge = document.createElement("span");
    badge.className = "badge state";
    badge.dataset.state = planned && state === "succeeded" ? "planned" : state;
    badge.textContent = WORDS[badge.dataset.state] ?? "";
    $("#run-state").replaceChildren(...(state ? [badge] : []));
    document.title = active ? `● ${WORDS[state]} · ${name}` : `${state === "failed" ? "✗ " : ""}${name} · Vibe`;
    if (announce && state) $("#announce").textContent = WORDS[state];
    tick();
  }

  function stopping(on) {
    stop.toggleAttribute("aria-disabled", on);
    if (on) stop.setAttribute("aria-disabled", "true");
    $("span", stop).textContent = on ? "Stopping…" : "Stop";
  }

  /** Shows run `id` from its start. */
  function begin(id, at) {
    run = id;
    started = Date.parse(at) || Date.now();
    title.textContent = "";
    stages.reset();
    stopping(false);
  }

  /** Whether a plan waits to be approved: then the run that made it is not the end of it. */
  function setPlanned(on) {
    if (on === planned) return;
    planned = on;
    paint(false);
  }

  /** A person saved or restored a version: what failed is not what is there now. */
  function byHand() {
    if (state !== "failed") return;
    state = "";
    paint(false);
  }

  /** A state event: the only thing that ends "Stopping…". A run that waits behind the one at work is only counted. */
  function setState(id, data, at) {
    if (data.state === "queued" && ACTIVE.has(state) && id !== run) {
      behind.add(id);
      return tick();
    }
    behind.delete(id);
    if (id !== run && !ACTIVE.has(data.state)) return tick();
    if (id !== run) begin(id, at);
    state = data.state;
    if (state === "cancelling") stopping(true);
    if (state === "queued") title.textContent = "Waiting for a free worker";
    else if (state === "waiting") title.textContent = "Waiting for you";
    else if (state === "running") title.textContent ||= "Getting ready";
    if (!ACTIVE.has(state)) {
      stopping(false);
      // The queue's rows are in the order of their turns.
      const next = $$("[data-queued]", root).map((item) => item.dataset.queued).find((id) => behind.has(id)) ?? [...behind][0];
      if (next) {
        begin(next, at);
        behind.delete(next);
        state = "queued";
        title.textContent = "Next in line";
      }
    }
    paint();
  }

  /** A stage event: moves the stepper and says what is being done. */
  function setStage(id, data, at) {
    if ((id && id !== run) || data.status === "done") return;
    // One that waits (a retry) only says so.
    if (data.status !== "waiting" && !stages.begin(data.stage, Date.parse(at) || Date.now())) return;
    title.textContent = data.title;
    $("#announce").textContent = data.title;
    tick();
  }

  $("#stop-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    if (stop.getAttribute("aria-disabled") === "true" || !run) return;
    stopping(true);
    try {
      await postJson(`${root.dataset.runs}${run}/cancel/`);
    } catch (error) {
      stopping(false);
      toast(`It was not stopped. ${error.message}`, { error: true });
    }
  });

  if (ACTIVE.has(state)) for (const { at, ...data } of known.stages) setStage(run, data, at);
  if (state === "waiting") title.textContent = "Waiting for you";
  paint(false);
  return { setState, setStage, setPlanned, byHand, state: () => state, active: () => ACTIVE.has(state), shows: (id) => id === run && ACTIVE.has(state) };
}
