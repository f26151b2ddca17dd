// "Tell me when it is done": asked for once by a button, never by the page itself; said once, and only where nobody looks
// at the project, in whichever tab.
import { $ } from "../lib/dom.js";
import { recall, remember } from "../lib/store.js";
import { toast } from "../lib/toast.js";

export function notify(root) {
  const button = $("#tell-me");
  const possible = () => "Notification" in window && "locks" in navigator && Notification.permission !== "denied";
  const wanted = () => possible() && Notification.permission === "granted" && recall("notify") === "yes";

  function paint() {
    button.hidden = !possible();
    button.setAttribute("aria-pressed", wanted());
    button.title = wanted() ? "You will be told when it is done" : "Tell me when it is done";
  }
  button.addEventListener("click", async () => {
    const on = !wanted();
    if (on && (await Notification.requestPermission()) !== "granted") {
      remember("notify", null);
      button.hidden = true;
      return toast("This browser does not let Vibe notify you. The run goes on with the page closed all the same.");
    }
    remember("notify", on ? "yes" : null);
    paint();
    toast(on ? "You will be told, also while you are in another tab." : "You will not be told any more.");
  });
  paint();

  // Each tab that is seen holds a share of the project's lock; who gets all of it knows that none is.
  const lock = `vibe:seen:${root.dataset.project}`;
  const away = () => new Promise((done) => document.addEventListener("visibilitychange", done, { once: true }));
  const look = () => document.hidden || navigator.locks?.request(lock, { mode: "shared" }, () => document.hidden || away());
  document.addEventListener("visibilitychange", look);
  look();

  return {
    /** Event `id`: a run is over, or waits for an answer. */
    async say(text, id) {
      if (!wanted() || !document.hidden) return;
      const told = `${root.dataset.project} ${id}`;
      const mine = await navigator.locks.request(lock, { ifAvailable: true }, (all) => {
        if (!all || recall("told") === told) return false;
        remember("told", told);
        return true;
      });
      if (!mine) return;
      let note;
      try {
        // One place for each project; what comes into it later is told aloud again.
        note = new Notification(root.dataset.name, { body: text, tag: root.dataset.project, renotify: true });
      } catch {
        // A browser on a phone takes these from service workers only.
        return;
      }
      note.onclick = () => {
        window.focus();
        note.close();
      };
    },
  };
}
