// The preview says when it is the person's turn: the agent asked something, or a plan waits to be approved.
import { $, $$ } from "../lib/dom.js";

export function awaits(root, panes, run, composer) {
  const bar = $("#awaits");
  const list = $("#chat");
  let said = null;

  /** The card that waits for the person, or null. A plan that was passed over by another message waits no more. */
  function find() {
    if (run.state() === "waiting") return $$(".question:not([data-answered])", list).at(-1) ?? null;
    if (run.active() || new URLSearchParams(location.search).has("before")) return null;
    const last = $$(":scope > .item:is([id^='plan-'], [id^='msg-'])", list).at(-1);
    return last ? $(".plan[data-state='proposed']", last) : null;
  }
  /** Looks at the chat again. */
  function look() {
    const asks = run.state() === "waiting";
    const card = find();
    bar.hidden = !asks && !card;
    const kind = bar.hidden ? null : asks ? "question" : "plan";
    run.setPlanned(kind === "plan");
    if (kind === said) return;
    said = kind;
    composer.answering(kind === "question");
    if (!kind) return;
    $("#awaits-what").textContent = asks ? "The agent has a question." : "A plan is to be approved.";
    $("#awaits-go").textContent = asks ? "Answer" : "Look at the plan";
    if (!asks) $("#announce").textContent = "Waiting for you. A plan is to be approved.";
  }
  $("#awaits-go").addEventListener("click", async () => {
    if (document.fullscreenElement) await document.exitFullscreen();
    if (matchMedia("(max-width: 820px)").matches) panes.show("chat");
    const card = find();
    if (!card) return $("#text").focus();
    // Read out as a whole; what can be chosen in it comes next.
    card.tabIndex = -1;
    card.focus({ preventScroll: true });
    card.scrollIntoView({ block: "nearest" });
  });
  look();
  return { look };
}
