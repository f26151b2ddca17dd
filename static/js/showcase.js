// One app of the showcase: run it here, in its own frame, and full screen.
import "./site.js";
import { $, el } from "./lib/dom.js";
import { getJson, postForm } from "./lib/http.js";

const stage = $("#stage");
const run = $("#run");
const full = $("#full");
const say = (text) => ($("#stage-text").textContent = text);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
// A sandbox wakes in a second; one that is built anew takes up to a minute.
const TRIES = 60;

/** The address of the running app, once it answers. Throws what the server refused. */
async function wake() {
  await postForm(stage.dataset.live, {});
  for (let tried = 0; tried < TRIES; tried += 1) {
    const { ready, state, url } = await getJson(stage.dataset.live);
    if (ready && state === "running") return url;
    await pause(tried < 5 ? 400 : 1200);
  }
  throw new Error("It did not start. Try again in a moment, or remix it.");
}

run.addEventListener("click", async () => {
  run.disabled = true;
  run.setAttribute("aria-busy", "true");
  say("Waking its sandbox…");
  try {
    const url = await wake();
    const frame = el("iframe", { src: url, title: "The running app", sandbox: "allow-scripts allow-forms allow-same-origin allow-popups allow-modals" });
    $("#view").replaceChildren(frame);
    say("Running");
    run.hidden = true;
    // An iPhone shows nothing but films in full.
    full.hidden = !document.fullscreenEnabled;
  } catch (error) {
    say(error.message);
    run.disabled = false;
  }
  run.removeAttribute("aria-busy");
});
full.addEventListener("click", () => $("#view").requestFullscreen().catch(() => say("This browser does not show it in full.")));
