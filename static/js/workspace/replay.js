// A finished run as a time-lapse: its events again in their order, pauses cut short, by the log alone.
import { $, $$, delegate, el, icon } from "../lib/dom.js";
import { getJson } from "../lib/http.js";
import { clock } from "../lib/time.js";
import { toast } from "../lib/toast.js";

/** Longer pauses are cut to this, in ms of the run's own time. */
const LONGEST_PAUSE = 4_000;
const SPEEDS = [1, 4, 16];
const CARDS = new Set(["user_message", "reply", "tool_call", "tool_result", "check", "review", "plan", "version", "error", "complete"]);

export function replay(root) {
  const open = player($("#chat-pane"));

  async function load(run) {
    const { steps } = await getJson(`${root.dataset.runs}${run}/`);
    const found = [];
    for (let cursor = steps[0].id - 1; cursor < steps.at(-1).id; ) {
      const answer = await getJson(`${root.dataset.events}?after=${cursor}&html=1`);
      if (!answer.events.length) break;
      found.push(...answer.events.filter((event) => event.run === run));
      cursor = answer.cursor;
    }
    return found;
  }

  delegate(document, "click", "[data-replay]", async (_event, button) => {
    button.setAttribute("aria-busy", "true");
    try {
      const events = await load(button.dataset.replay);
      if (events.length) open(events);
    } catch (error) {
      toast(error.message, { error: true });
    }
    button.removeAttribute("aria-busy");
  });
}

/** `open(events)` plays them in a pane, in the place of what it holds. */
export function player(pane) {
  let close = () => {};

  function open(events) {
    close();
    // Where each event stands on the shortened clock, in ms.
    let at = 0;
    const times = events.map(({ at: time }, index) => (at += index ? Math.min(LONGEST_PAUSE, Math.max(0, Date.parse(time) - Date.parse(events[index - 1].at))) : 0));
    const end = Math.max(1, at);
    const list = el("ol", { class: "chat", inert: true });
    const scroller = el("div", { class: "chat-scroll" }, list);
    const said = el("span", { class: "replay-stage muted" });
    const play = el("button", { type: "button", class: "btn sm square primary", "aria-label": "Pause" }, icon("pause"));
    const bar = el("input", { type: "range", min: 0, max: end, value: 0, "aria-label": "Place in the run" });
    const time = el("span", { class: "num muted" });
    const speeds = el("div", { class: "segment", role: "group", "aria-label": "Speed" }, ...SPEEDS.map((speed) => el("button", { type: "button", "data-speed": speed, "aria-pressed": speed === 4 }, `${speed}×`)));
    const leave = el("button", { type: "button", class: "btn quiet sm square", "aria-label": "Close the replay", title: "Close (Escape)" }, icon("x"));
    const box = el("section", { class: "replay", "aria-label": "Replay of the run" }, scroller, el("div", { class: "replay-bar" }, el("div", {}, el("strong", {}, "Replay"), said, leave), el("div", {}, play, bar, time, speeds)));
    let speed = 4;
    let now = 0;
    let done = 0;
    let playing = false;
    let frame = 0;
    let last = 0;

    function apply(event) {
      if (event.type === "stage") said.textContent = event.data.title;
      if (!CARDS.has(event.type) || !event.html?.trim()) return;
      const old = $(`[data-item="${CSS.escape(event.html_id)}"]`, list);
      const item = old ?? list.appendChild(el("li", { class: "item fresh", "data-item": event.html_id }));
      item.innerHTML = event.html;
      for (const details of $$("details.tool", item)) details.open = event.type === "tool_result" && Boolean($(".diff, .term, .change", details));
    }
    /** Shows the run as it was at `ms`; going back begins again. */
    function show(ms) {
      now = Math.min(end, Math.max(0, ms));
      if (done && times[done - 1] > now) {
        list.replaceChildren();
        done = 0;
      }
      while (done < events.length && times[done] <= now) apply(events[done++]);
      scroller.scrollTop = scroller.scrollHeight;
      bar.value = now;
      time.textContent = `${clock(now / 1000)} / ${clock(end / 1000)}`;
      bar.setAttribute("aria-valuetext", time.textContent);
    }
    function tick(stamp) {
      show(now + (stamp - last) * speed);
      last = stamp;
      if (now >= end) return run(false);
      frame = requestAnimationFrame(tick);
    }
    function run(on) {
      cancelAnimationFrame(frame);
      playing = on;
      play.replaceChildren(icon(on ? "pause" : "play"));
      play.setAttribute("aria-label", on ? "Pause" : "Play");
      if (!on) return;
      if (now >= end) show(0);
      last = performance.now();
      frame = requestAnimationFrame(tick);
    }
    /** To the next card, or the one before. */
    function step(by) {
      run(false);
      const at = by > 0 ? times.find((one) => one > now) : times.findLast((one) => one < now);
      show(at ?? (by > 0 ? end : 0));
    }
    play.addEventListener("click", () => run(!playing));
    bar.addEventListener("input", () => {
      run(false);
      show(Number(bar.value));
    });
    delegate(speeds, "click", "[data-speed]", (_event, button) => {
      speed = Number(button.dataset.speed);
      for (const other of $$("[data-speed]", speeds)) other.setAttribute("aria-pressed", other === button);
    });
    leave.addEventListener("click", () => close());
    box.addEventListener("keydown", (event) => {
      const act = { Escape: () => close(), ArrowRight: () => step(1), ArrowLeft: () => step(-1), " ": () => run(!playing) }[event.key];
      if (!act || (event.key === " " && event.target.closest("button") && event.target !== play)) return;
      event.preventDefault();
      act();
    });
    const before = document.activeElement;
    close = () => {
      run(false);
      box.remove();
      close = () => {};
      before?.focus?.();
    };
    pane.append(box);
    play.focus();
    show(0);
    run(true);
  }
  return open;
}
