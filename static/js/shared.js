// The page of a share link: wakes the app, waits until it answers, shows it; and how it was made, where that is shown.
import "./site.js";
import { $ } from "./lib/dom.js";
import { getJson, postForm } from "./lib/http.js";
import { toast } from "./lib/toast.js";
import { player } from "./workspace/replay.js";

const AGAIN = 1_500;
const PATIENCE = 90_000;

const main = $("#shared");
const began = Date.now();

async function look() {
  try {
    const { state, url } = await getJson(main.dataset.state);
    if (url) return show(url);
    if (state === "none" && Date.now() - began > 20_000) return say("There is nothing to see yet.");
  } catch (error) {
    if (error.status === 404) return say("This link does not show anything any more.");
  }
  if (Date.now() - began > PATIENCE) return say("The app does not answer. Try again later.");
  setTimeout(look, AGAIN);
}
function show(url) {
  $("#frame").src = url;
  $("#frame").hidden = false;
  $("#open").href = url;
  $("#open").hidden = false;
  $("#wait").hidden = true;
}
function say(text) {
  $("#wait .spinner").hidden = true;
  $("#wait p").textContent = text;
}
postForm(main.dataset.wake, {}).catch(() => {});
look();

const how = $("#how");
if (how) {
  const open = player($("#replay-pane"));
  how.addEventListener("click", async () => {
    how.setAttribute("aria-busy", "true");
    try {
      open((await getJson(how.dataset.from)).events);
    } catch (error) {
      toast(error.message, { error: true });
    }
    how.removeAttribute("aria-busy");
  });
}
