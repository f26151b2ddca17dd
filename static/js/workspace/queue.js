// Messages that wait behind a run: shown below the chat, to be changed or dropped until their turn comes.
import { $, $$, delegate, el, icon, isComposing } from "../lib/dom.js";
import { patchJson, postJson, putJson, remove } from "../lib/http.js";
import { toast } from "../lib/toast.js";

const MARKS = { ask: "Question", plan: "Plan" };

export function queue(root, chat, run, composer) {
  const box = $("#queue");
  const list = $("#queue-list");
  const find = (id) => $(`[data-queued="${id}"]`, list);

  const waiting = () => $$("[data-queued]:not([data-aside])", list);
  const aside = () => $$("[data-aside]", list);

  function paint() {
    const [count, stopped] = [waiting().length, aside().length];
    box.hidden = count + stopped === 0;
    $("#queue-send").hidden = stopped === 0;
    $("#queue-send").textContent = stopped === 1 ? "Send it now" : "Send them now";
    const waits = count === 1 ? "1 message waits" : `${count} messages wait`;
    const held = `${stopped === 1 ? "1 message was" : `${stopped} messages were`} set aside: the run before did not finish`;
    $("#queue-head").textContent = [count && waits, stopped && held].filter(Boolean).join(" · ");
  }
  /** Takes a message's event; true when it waits and so is not for the chat yet. */
  function take({ run: id, data, html, html_id: card }) {
    const old = find(id);
    if (!old && !(id && run.active() && !run.shows(id))) return false;
    const item = row(id, data.text, data.mode);
    $("template", item).innerHTML = html ?? "";
    item.dataset.card = card;
    if (old) {
      rescue(old, "The waiting message was changed elsewhere.", data.text);
      old.replaceWith(item);
    } else list.append(item);
    paint();
    return true;
  }
  /** Puts the rows in the order in which their turns come; `position` counts from 1. */
  function place(id, position) {
    const item = find(id);
    const others = waiting().filter((other) => other !== item);
    if (item) list.insertBefore(item, others[position - 1] ?? null);
  }
  async function move(item, step) {
    const ids = waiting().map((other) => other.dataset.queued);
    const at = ids.indexOf(item.dataset.queued);
    if (!ids[at + step]) return;
    [ids[at], ids[at + step]] = [ids[at + step], ids[at]];
    place(item.dataset.queued, at + step + 1);
    $(`[data-queue="${step < 0 ? "up" : "down"}"]`, item).focus();
    try {
      await putJson(root.dataset.queue, { runs: ids });
    } catch (error) {
      place(item.dataset.queued, at + 1);
      toast(error.message, { error: true });
    }
  }
  function row(id, text, mode) {
    const words = el("p", { class: "queue-text" }, text);
    const edit = el("button", { type: "button", class: "btn quiet sm square", "data-queue": "edit", title: "Change", "aria-label": "Change this message" }, icon("pencil"));
    const drop = el("button", { type: "button", class: "btn quiet sm square", "data-queue": "drop", title: "Drop", "aria-label": "Drop this message" }, icon("x"));
    const send = el("button", { type: "button", class: "btn quiet sm square", "data-queue": "send", title: "Send", "aria-label": "Send this message now" }, icon("play"));
    const up = el("button", { type: "button", class: "btn quiet sm square", "data-queue": "up", title: "Earlier", "aria-label": "Move this message up" }, icon("arrow-up"));
    const down = el("button", { type: "button", class: "btn quiet sm square", "data-queue": "down", title: "Later", "aria-label": "Move this message down" }, icon("arrow-down"));
    const mark = mode in MARKS ? [el("span", { class: "badge" }, MARKS[mode])] : [];
    return el("li", { "data-queued": id }, words, ...mark, send, up, down, edit, drop, el("template"));
  }
  /** A state event: a run that begins takes its message into the chat; one that is over leaves the queue, but for one
   * that was set aside because the run before it did not come to its end: its owner says what becomes of it. */
  function setState(id, { state, reason, place: position }) {
    const item = find(id);
    if (item && state === "queued" && position) place(id, position);
    if (!item || state === "queued") return;
    if (reason === "set_aside") {
      item.dataset.aside = "";
      return paint();
    }
    rescue(item, reason === "dropped" ? "The waiting message was dropped elsewhere." : "The waiting message had its turn before you saved it.");
    item.remove();
    if (reason !== "dropped") chat.upsert(item.dataset.card, $("template", item).innerHTML);
    paint();
  }
  /** The next in line stands in the chat already before a worker has it. */
  function settle() {
    for (const item of waiting()) if (run.shows(item.dataset.queued)) setState(item.dataset.queued, { state: "running" });
  }

  /** What was typed into a message that is not to be changed any more, or is another one (`text`) now, goes to the message box. */
  function rescue(item, why, text = "") {
    const area = $(".queue-edit textarea", item);
    const typed = area?.value.trim();
    if (!typed || typed === area.defaultValue || typed === text) return;
    // Where nobody was typing the keyboard stays where it is.
    composer.giveBack(typed, { focus: item.contains(document.activeElement) });
    toast(`${why} What you typed is in the message box.`);
  }
  function edit(item) {
    const area = el("textarea", { class: "input", rows: 2, "aria-label": "Message" }, $(".queue-text", item).textContent);
    const before = [...item.children];
    const back = () => item.replaceChildren(...before);
    const form = el("form", { class: "queue-edit" }, area, el("div", {}, el("button", { type: "button", class: "btn sm", onclick: back }, "Cancel"), el("button", { class: "btn sm primary" }, "Save")));
    item.replaceChildren(form, before.at(-1));
    area.focus();
    area.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !isComposing(event)) back();
      if (event.key === "Enter" && !event.shiftKey && !isComposing(event)) {
        event.preventDefault();
        form.requestSubmit();
      }
    });
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      try {
        // The event that follows shows the new text.
        await patchJson(`${root.dataset.runs}${item.dataset.queued}/`, { text: area.value });
        if (item.isConnected && item.contains(form)) {
          back();
          $(".queue-text", item).textContent = area.value.trim();
        }
      } catch (error) {
        toast(error.message, { error: true });
      }
    });
  }
  async function drop(item) {
    const its = `${root.dataset.runs}${item.dataset.queued}/`;
    try {
      await remove(its);
    } catch (error) {
      return toast(error.message, { error: true });
    }
    item.remove();
    paint();
    // Tried again, it has all that went with it: files, and the projects that it refers to.
    const again = () => postJson(`${its}retry/`).catch((error) => toast(error.message, { error: true }));
    toast("The message was dropped.", { action: { label: "Undo", run: again } });
  }
  /** Sends what was set aside again; its own event takes it out of the list. */
  const send = (item) => postJson(`${root.dataset.runs}${item.dataset.queued}/retry/`);
  async function sendAll(items) {
    try {
      for (const item of items) await send(item);
    } catch (error) {
      toast(error.message, { error: true });
    }
  }
  $("#queue-send").addEventListener("click", () => sendAll(aside()));
  delegate(list, "click", "[data-queue]", (_event, button) => {
    const item = button.closest("[data-queued]");
    ({ edit, drop, send: () => sendAll([item]), up: () => move(item, -1), down: () => move(item, 1) })[button.dataset.queue](item);
  });
  paint();
  return { take, setState, settle };
}
