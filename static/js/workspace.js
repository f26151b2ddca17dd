// The workspace page: connects its parts and hands each event to the one it concerns.
import "./site.js";
import { $, $$, delegate, el, icon } from "./lib/dom.js";
import { Refused, getPage, postJson } from "./lib/http.js";
import { keepFiles } from "./lib/kept.js";
import { connect } from "./lib/live.js";
import { recall, remember } from "./lib/store.js";
import { toast } from "./lib/toast.js";
import { awaits } from "./workspace/awaits.js";
import { chat as makeChat } from "./workspace/chat.js";
import { code as makeCode } from "./workspace/code.js";
import { composer as makeComposer } from "./workspace/composer.js";
import { context as makeContext } from "./workspace/context.js";
import { doctor as makeDoctor } from "./workspace/doctor.js";
import { history as makeHistory } from "./workspace/history.js";
import { share } from "./workspace/share.js";
import { site } from "./workspace/site.js";
import { shells as makeShells } from "./workspace/shells.js";
import { missing } from "./workspace/missing.js";
import { notify as makeNotify } from "./workspace/notify.js";
import { logs as makeLogs } from "./workspace/logs.js";
import { panes as makePanes } from "./workspace/panes.js";
import { plan } from "./workspace/plan.js";
import { preview as makePreview } from "./workspace/preview.js";
import { queue as makeQueue } from "./workspace/queue.js";
import { replay } from "./workspace/replay.js";
import { runLine } from "./workspace/run.js";
import { writing as makeWriting } from "./workspace/writing.js";

// The prompt this project came from is no draft any more, nor are its files. Where it was refused, no project begins with it.
if ("new" in $("#workspace").dataset) {
  if (recall("sent:new") !== null && recall("sent:new") === recall("draft:new")) {
    remember("draft:new", null);
    keepFiles("new", []).catch(() => {});
  }
  remember("sent:new", null);
}

const root = $("#workspace");
const chat = makeChat();
const writing = makeWriting();
const notify = makeNotify(root);
const run = runLine(root);
const panes = makePanes(root);
const composer = makeComposer(root, chat, run);
const preview = makePreview(root, panes, composer, run);
const code = makeCode(root, panes);
const waiting = makeQueue(root, chat, run, composer);
const turn = awaits(root, panes, run, composer);
const past = makeHistory(root, panes);
const logs = makeLogs(root, panes);
makeShells(root);
replay(root);
plan(root);
share(root);
const online = site(root, composer);
const lens = makeContext(root, panes, code);
const doctor = makeDoctor(root, panes, composer, preview);

const OVER = { succeeded: "It is done.", failed: "It did not work. Look at what happened.", stopped: "It stopped at a limit.", cancelled: "It was stopped." };
// Reasons of runs that ended before their turn: their messages are not in the chat.
const UNSAID = new Set(["dropped", "set_aside"]);
const IN_CHAT = new Set(["user_message", "earlier", "reply", "tool_call", "tool_result", "check", "review", "plan", "version", "error", "complete"]);
const handlers = {
  state: (event) => {
    run.setState(event.run, event.data, event.at);
    if (event.data.state === "waiting") notify.say("The agent has a question for you.", event.id);
    waiting.setState(event.run, event.data);
  },
  stage: (event) => run.setStage(event.run, event.data, event.at),
  // What a run that is over had begun to say may still come by; it is no news.
  text: ({ run: id, data }) => {
    // An answer that begins again: what was written of the one before is gone.
    if (data.offset === 0) writing.drop(id);
    if (run.shows(id) && !chat.stream(`turn-${id}-${data.turn}`, data.offset, data.text)) live.resume();
  },
  writing: ({ run: id, data }) => run.shows(id) && writing.show(id, data),
  terminal: ({ run: id, data }) => chat.terminal(`tool-${id}-${data.key}`, data.offset, data.text),
  file: ({ data }) => {
    code.changed(data);
    preview.touched();
  },
  preview: ({ data }) => {
    if (data.kept) return toast(data.kept);
    if (data.version) return past.looked(data);
    preview.set(data);
    code.applied(data.state);
    doctor.news(data.state);
    if (data.state === "ready") {
      panes.news("preview");
      logs.again();
    }
  },
  site: ({ data }) => online.set(data),
  credit: ({ data }) => {
    // Micro-credits, as everywhere on the wire; rounded down, as the page says them.
    if (data.balance !== undefined) $("#balance").textContent = (Math.floor(data.balance / 10_000) / 100).toFixed(2);
  },
  user_message: ({ id, data }) => {
    chat.dropPending();
    chat.setAside(data.instead_of, id);
  },
  version: ({ id, data, at }) => {
    chat.setAside(data.instead_of, id);
    root.dataset.version = data.number;
    addVersion(data, at);
    if (data.source !== "run") run.byHand();
    if (!run.active()) suggest();
    offerWayBack(data.way_back);
    offerRestore();
    online.saved();
    code.saved(data);
    past.saved();
    lens.saved();
  },
  complete: ({ id: event, run: id, data, at }) => {
    run.setState(id, data, at);
    // A message that was taken back or set aside before its turn is no news to who took it, and another run may be at work.
    if (!UNSAID.has(data.reason)) {
      chat.freeze();
      notify.say(OVER[data.state] ?? "The run is over.", event);
    }
    if (!run.active()) {
      code.released();
      suggest();
    }
    if (data.version) preview.settle(data.version === 1);
    composer.estimate.show();
  },
};

/** What could come next, as the app is now. Those that are there stay where they cannot be had, or one is about to be pressed. */
async function suggest() {
  const page = await getPage(root.dataset.suggestions).catch(() => null);
  const box = $("#suggestions");
  if (page && !box.contains(document.activeElement)) box.replaceChildren(...$("#suggestions", page).children);
}

// Events are handled once per frame, however fast they come; a hidden tab has no frames.
let queue = [];
let scheduled = false;
function deliver(events) {
  queue.push(...events);
  if (scheduled) return;
  scheduled = true;
  if (document.hidden) setTimeout(flush, 50);
  else requestAnimationFrame(flush);
}
// The frame that was asked for does not come to a page that was hidden meanwhile.
document.addEventListener("visibilitychange", () => document.hidden && scheduled && flush());
function flush() {
  scheduled = false;
  const events = queue;
  queue = [];
  let inChat = false;
  let bare = false;
  for (const event of events) {
    if (event.id) writing.drop(event.run);
    const shown = handlers[event.type]?.(event);
    // Not for the chat: a message that waits for its turn, and the end of one that never had it.
    if (event.type === "user_message" && waiting.take(event)) continue;
    if (event.type === "complete" && UNSAID.has(event.data.reason)) continue;
    if (event.html?.trim()) chat.upsert(event.html_id, event.html);
    else if (IN_CHAT.has(event.type) && event.html === undefined) bare = true;
    inChat ||= Boolean(event.html?.trim()) || event.type === "text" || (event.type === "writing" && shown);
    if (event.type === "complete") waiting.settle();
  }
  if (inChat) chat.settle();
  if (events.some(({ type }) => type !== "text" && type !== "writing" && type !== "terminal")) turn.look();
  if (bare) rerender();
}
/** SSE and polling may carry no HTML: the page itself has the same partials. */
async function rerender() {
  const response = await fetch(location.pathname, { credentials: "same-origin" });
  if (!response.ok) return;
  chat.merge(new DOMParser().parseFromString(await response.text(), "text/html"));
  chat.settle();
  turn.look();
}

/** A row as in _version_row.html. */
function addVersion({ number, title, verdict = {} }, at) {
  const list = $("#versions");
  $("#version-now").textContent = `v${number}`;
  $(".version-none", list)?.remove();
  if ($(`[data-open-version="${number}"]`, list)) return;
  const text = el("span", { class: "version-row-text" }, el("span", { class: "version-title" }, title || "Saved"));
  const failed = Object.keys(verdict).filter((name) => !verdict[name]);
  const word = failed.length ? ["does not work ✗", ...failed].join(" · ") : "works ✓";
  const checks = Object.keys(verdict).length ? [" · ", el("span", { class: failed.length ? "minus" : "plus" }, word)] : [];
  text.append(el("span", { class: "muted" }, el("time", { datetime: at, "data-ago": true }, "just now"), ...checks));
  const chip = el("span", { class: "version-chip" }, `v${number}`);
  const row = el("button", { type: "button", class: "version-row", "data-open-version": number }, chip, text);
  const words = `Download v${number}`;
  const zip = el("a", { class: "btn quiet sm square", href: `${root.dataset.download}?version=${number}`, "aria-label": words, title: words }, icon("download"));
  list.prepend(el("li", {}, row, zip));
}

const STATUS = { live: "Live", lost: "Reconnecting", poll: "Updates every second or two", offline: "Offline", gone: "Not live: signed out", missing: "Not live: the project is not here any more" };
function status(state) {
  const link = $("#link");
  link.dataset.link = state;
  link.title = STATUS[state];
  $(".sr", link).textContent = STATUS[state];
  if (state === "missing") missing(root);
  if (state === "live" || state === "poll") composer.reached();
}

/** An older version may be restored from its closing card. */
function offerRestore() {
  for (const button of $$("[data-restore]", root)) button.hidden = Number(button.dataset.restore) >= Number(root.dataset.version);
}
offerRestore();
/** Where the newest version does not work, the number of the last that did. */
function offerWayBack(number) {
  for (const offer of $$("[data-way-back]")) {
    offer.hidden = !number;
    $("[data-restore]", offer).dataset.restore = number ?? "";
    $("[data-way-back-number]", offer).textContent = number ?? "";
  }
}
delegate(document, "click", "[data-restore]", (_event, button) => {
  button.closest("details.menu")?.removeAttribute("open");
  past.restore(Number(button.dataset.restore));
});
// One step in the browser's history each: the pane is one, and what is shown in it goes into the same.
delegate(document, "click", "[data-open-file]", (_event, button) => {
  panes.show("code");
  code.open(button.dataset.openFile, { push: false });
});
delegate(document, "click", "[data-open-version]", (_event, button) => {
  button.closest("details.menu")?.removeAttribute("open");
  panes.show("code");
  code.openVersion(Number(button.dataset.openVersion), { push: false });
});
delegate(document, "click", "[data-say]", async (_event, button) => {
  const options = [...button.parentElement.children];
  for (const option of options) option.disabled = true;
  if (await composer.answer(button.dataset.say)) return composer.focus();
  for (const option of options) option.disabled = false;
  button.focus();
});
delegate(document, "click", "[data-choose-mode]", (_event, button) => {
  composer.choose(button.dataset.chooseMode);
  composer.focus();
});
// Once the click is over, which closes whatever is open.
delegate(document, "click", "[data-open-limit]", () => setTimeout(() => ($("[data-limit-menu]").open = true)));
delegate(document, "click", "[data-suggest]", (_event, button) => composer.fill(button.dataset.suggest));
delegate(document, "click", "[data-open-history]", (_event, button) => {
  button.closest("details.menu")?.removeAttribute("open");
  panes.show("history");
  past.show(Number(button.dataset.openHistory) || null, null, { push: false });
});
$("#again").addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.submitter;
  button.disabled = true;
  try {
    await postJson(button.formAction.replace(location.origin, "").replace("/runs/", root.dataset.runs));
  } catch (error) {
    button.disabled = false;
    if (error instanceof Refused) toast(error.message, { error: true });
    else throw error;
  }
});

/** What the address asks for: tab, file, version. Also after Back. */
function follow() {
  const wanted = new URLSearchParams(location.search);
  const phone = matchMedia("(max-width: 820px)").matches;
  const named = wanted.get("tab") ?? (wanted.has("file") || wanted.has("version") ? "code" : phone ? "chat" : "preview");
  const tab = panes.has(named) ? named : "preview";
  const version = Number(wanted.get("version")) || null;
  panes.show(tab, { push: false });
  if (tab === "history") past.show(version, wanted.has("against") ? Number(wanted.get("against")) : null, { push: false });
  else if (tab === "code") code.openVersion(version, { push: false, file: wanted.get("file") });
  if (named === "chat" && phone) panes.show("chat", { push: false });
}
addEventListener("popstate", follow);
follow();

const live = connect(
  { ws: root.dataset.ws, stream: root.dataset.stream, events: root.dataset.events, cursor: Number(root.dataset.cursor) },
  deliver,
  status,
);
