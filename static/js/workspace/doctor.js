// The preview doctor: looks at each link from the saved files to the app's code, and has a button for the broken one.
import { $, delegate, el, icon } from "../lib/dom.js";
import { getJson } from "../lib/http.js";
import { followLog, isError } from "./logs.js";

/** The log's last lines come together; what does not come within the first is not waited for. */
const LOG_WAIT = 5_000;
const LOG_QUIET = 500;
const LOG_LINES = 12;

export function doctor(root, panes, composer, preview) {
  const panel = $("#doctor");
  const list = $("#doctor-links");
  const toggle = $("#doctor-toggle");
  let latest = 0;

  /** The last lines of the log that speak of an error, with what stands around them. */
  function readLog() {
    return new Promise((resolve) => {
      let text = "";
      const done = () => {
        clearTimeout(timer);
        close();
        const lines = text.trimEnd().split("\n");
        const at = lines.findLastIndex(isError);
        // What came after a good start is over.
        const good = lines.findLastIndex((line) => /ready in|hmr update|page reload|serving|listening/i.test(line));
        resolve({ said: Boolean(text), error: at > good ? lines.slice(Math.max(0, at - 2), at + LOG_LINES).join("\n") : "" });
      };
      let timer = setTimeout(done, LOG_WAIT);
      const take = (piece) => {
        text += piece;
        clearTimeout(timer);
        timer = setTimeout(done, LOG_QUIET);
      };
      const close = followLog(root, take, done);
    });
  }
  async function examine() {
    const mine = ++latest;
    list.setAttribute("aria-busy", "true");
    $("#doctor-sum").textContent = "Looking at each link…";
    let links;
    try {
      links = await getJson(`${root.dataset.sandbox}check/`);
    } catch (error) {
      links = [{ name: "server", ok: null, title: "The server could not look", detail: error.message, action: "none" }];
    }
    if (mine !== latest) return;
    paint(links);
    if (links.find((link) => link.name === "sandbox")?.ok) {
      const { said, error } = await readLog();
      if (mine !== latest) return;
      links.push({ name: "log", ok: said ? !error : null, title: error ? "The log speaks of an error" : said ? "The log is clean" : "The log is empty", detail: error, action: error ? "fix" : "none" });
      paint(links);
    }
    list.removeAttribute("aria-busy");
  }
  function paint(links) {
    const broken = links.find((link) => link.ok === false);
    const works = links.some((link) => link.ok) ? "Everything that can be looked at from here works." : "Nothing could be looked at. Try again in a moment.";
    $("#doctor-sum").textContent = broken ? broken.title : works;
    list.replaceChildren(...links.map((link) => row(link, link === broken)));
  }
  function row(link, isFirst) {
    const state = link.ok ? "good" : link.ok === false ? "bad" : "unknown";
    const words = el("div", {}, el("strong", {}, link.title));
    if (link.detail) words.append(el("p", { class: link.detail.includes("\n") ? "mono" : null }, link.detail));
    const item = el("li", { "data-state": state }, icon(link.ok ? "check" : link.ok === false ? "x" : "question"), words);
    const act = { start: ["Wake it up", () => preview.wake(false)], restart: ["Restart", () => preview.wake(true)], repair: ["Install what is missing", () => preview.repair()], fix: ["Ask the agent to fix it", () => ask(link)] }[link.action];
    if (act) item.append(el("button", { type: "button", class: `btn sm${isFirst ? " primary" : ""}`, onclick: () => act[1]() }, act[0]));
    // A free repair that did not help leaves the agent.
    if (link.action === "repair") item.append(el("button", { type: "button", class: "btn sm", onclick: () => ask(link) }, "Ask the agent"));
    if (link.name === "log") item.append(el("button", { type: "button", class: "btn sm", onclick: () => panes.show("logs") }, "Open the log"));
    return item;
  }
  function ask({ title, detail }) {
    if (matchMedia("(max-width: 820px)").matches) panes.show("chat");
    composer.fill(`The preview has a problem: ${title}.${detail ? `\n\n${detail}\n` : ""}\nFind the cause and mend it.`);
  }

  function show(on) {
    panel.hidden = !on;
    toggle.setAttribute("aria-expanded", on);
    if (on) examine();
  }
  toggle.addEventListener("click", () => show(panel.hidden));
  delegate(root, "click", "[data-doctor]", () => show(true));
  $("#doctor-again").addEventListener("click", examine);
  $("#doctor-close").addEventListener("click", () => {
    show(false);
    toggle.focus();
  });
  return {
    /** Something about the app changed. */
    news: (state) => !panel.hidden && state !== "starting" && examine(),
  };
}
