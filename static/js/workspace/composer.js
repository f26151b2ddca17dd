// Sends messages: shown at once, confirmed by the event, given back with the reason when refused.
import { $, $$ } from "../lib/dom.js";
import { base64 } from "../lib/files.js";
import { patchJson, postJson, remove } from "../lib/http.js";
import { limit } from "../lib/limit.js";
import { mentions } from "../lib/mentions.js";
import { promptBox } from "../lib/prompt.js";
import { recall, remember } from "../lib/store.js";
import { toast } from "../lib/toast.js";
import { tray } from "../lib/tray.js";
import { editing } from "./editing.js";
import { estimate } from "./estimate.js";
import { missing } from "./missing.js";

const PLACEHOLDERS = { build: "What should change?", ask: "Ask about this app; no file is changed", plan: "What should be planned? Nothing is built before you approve" };
/** So long nobody types before it is asked whether the text is a question; a longer text than this is none. */
const PAUSE = 350;
const LONGEST_QUESTION = 2_000;

export function composer(root, chat, run) {
  const form = $("#composer");
  const mode = $("#mode");
  const model = $("#model");
  const box = promptBox(form);
  const plans = $("#composer-error a");
  const hint = $("#ask-hint");
  const cap = limit(form, async (micro) => {
    try {
      await patchJson(root.dataset.self, { cap: micro });
    } catch (error) {
      toast(`The limit was not kept. ${error.message}`, { error: true });
    }
  });
  const others = mentions(form, box.area);
  // Files are sent to the server at once and kept there until the message is; which, this browser knows over a reload, as
  // it does the message's text. Dropped anywhere on the chat.
  const kept = `tray:${root.dataset.project}`;
  const held = tray(form, $("#chat-pane"), box.error, {
    async add(file) {
      const made = await postJson(root.dataset.attachments, { name: file.name || "pasted.png", content: await base64(file) });
      return { id: made.id, picture: made.kind === "image" ? made.url : null };
    },
    drop: ({ id, sent }) => id && !sent && remove(`${root.dataset.attachments}${id}/`).catch(() => {}),
    changed() {
      const there = [...held.away(), ...(edits.on() ? [] : held.held())].map(({ name, id, picture, text }) => ({ name, id, picture, text }));
      remember(kept, there.length ? JSON.stringify(there) : null);
    },
  });
  held.restore(JSON.parse(recall(kept) ?? "[]"));
  // On its way to the server, a file is nowhere else.
  addEventListener("beforeunload", (event) => held.busy() && event.preventDefault());

  let answers = false;
  function choose(value) {
    mode.value = value;
    form.dataset.mode = mode.value;
    box.area.placeholder = answers ? "Your answer" : PLACEHOLDERS[mode.value];
    weigh();
  }
  let weighing = 0;
  /** Offers to ask where a question is to be sent as an order. The server knows one by its words. */
  function weigh() {
    clearTimeout(weighing);
    const text = box.area.value.trim();
    const may = () => !answers && mode.value === "build" && text && text.length <= LONGEST_QUESTION && text === box.area.value.trim();
    if (!may()) hint.hidden = true;
    else weighing = setTimeout(async () => {
      const fitting = await postJson(root.dataset.fitting, { text }).catch(() => ({}));
      hint.hidden = !may() || fitting.mode !== "ask";
    }, PAUSE);
  }
  /** Whether what is sent answers the agent's question. */
  function answering(is) {
    answers = is;
    choose(mode.value);
  }
  mode.addEventListener("change", () => choose(mode.value));
  model.addEventListener("change", async () => {
    if (edits.on()) return;
    try {
      await patchJson(root.dataset.self, { model: model.value });
    } catch (error) {
      toast(`The model was not kept. ${error.message}`, { error: true });
    }
  });
  box.area.addEventListener("input", weigh);
  // Out of a long conversation without a Tab for each of its buttons.
  $("#chat-scroll").addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.altKey || event.metaKey || event.target.closest("input, textarea, select")) return;
    event.preventDefault();
    box.area.focus();
  });
  $("button", hint).addEventListener("click", () => {
    choose("ask");
    box.area.focus();
  });

  // A message whose answer did not come may have arrived: sent again as it was it has the same key, and is the same one.
  const unsure = `unsure:${root.dataset.project}`;
  let last = JSON.parse(recall(unsure) ?? "{}");
  async function post(text, entries, more) {
    const whole = [text, ...entries.flatMap((entry) => entry.text ?? [])].join("\n\n");
    const body = { text: whole, attachments: entries.flatMap(({ id }) => id ?? []), ...more };
    const asked = JSON.stringify(body);
    if (last.asked !== asked) last = { asked, key: crypto.getRandomValues(new Uint32Array(4)).join("-") };
    remember(unsure, JSON.stringify(last));
    const said = await postJson(root.dataset.messages, body, last.key);
    last = {};
    remember(unsure, null);
    if (said.warning) toast(said.warning, { error: true });
    return said.message;
  }
  let unreached = false;
  /** The server is there again: that it was not is no news any more. What is in the box was given back, to be sent. */
  function reached() {
    if (unreached) box.error(null);
    unreached = false;
  }
  const refused = async (error) => {
    unreached = error.status === 0;
    box.error(error.message);
    plans.hidden = error.status !== 402;
    const away = error.status === 404 && (await missing(root));
    if (away) box.error(away);
  };
  const edits = editing(root, run, { form, box, held, mode, model, choose, post, refused });

  /** What goes with a message beside its words; model and limit too: what keeps them for later ones may still be under way. */
  function chosen(text) {
    const references = others.ids(text);
    return { mode: mode.value, model: model.value, ...(cap.micro() ? { cap: cap.micro() } : {}), ...(references.length ? { references } : {}) };
  }
  // One after the other, in the order they were typed; the box is free for the next at once.
  let sending = Promise.resolve();
  /** Shows a message and sends it, with what is `taking`. Throws when it was not taken. */
  function send(text, taking = null) {
    const item = chat.pending(text);
    const more = chosen(text);
    const sent = sending.then(async () => {
      try {
        const taken = await taking;
        taken?.demand();
        const { id } = await post(text, taken?.entries ?? [], more);
        // Its event came already, or the time before, when the answer did not.
        if ($(`#msg-${id}, [data-card="msg-${id}"]`, root)) item.remove();
      } catch (error) {
        item.remove();
        throw error;
      }
    });
    sending = sent.catch(() => {});
    return sent;
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = box.area.value.trim();
    if (!text || box.isBusy()) return;
    // What is asked for now is no suggestion any more.
    for (const chip of $$("[data-suggest]", root)) if (chip.dataset.suggest === text) chip.remove();
    if (edits.on()) return edits.send(text, chosen(text));
    say(text);
  });
  /** Sends what is in the box; refused, it is there again, with the reason. */
  async function say(text) {
    const arrived = box.depart(text);
    weigh();
    const taking = held.take();
    try {
      await send(text, taking);
      arrived();
      (await taking).done();
    } catch (error) {
      await edits.leave();
      arrived();
      (await taking).back();
      await giveBack(text);
      refused(error);
    }
  }
  /** Words that were typed are in the box again, above what is there. `how`: as fill() of the box has it. */
  async function giveBack(text, how) {
    await edits.leave();
    const typed = box.area.value;
    box.fill(typed ? `${text}\n\n${typed}` : text, how);
  }
  /** Sends an answer that was chosen; the box and its files stay for the next message. False when it was refused, which is said. */
  async function answer(text) {
    try {
      await send(text);
      return true;
    } catch (error) {
      refused(error);
      return false;
    }
  }
  /** An element of the app that was pointed at: its words go along with the next message. */
  function point({ tag, selector, text, html, source }, path) {
    const name = text ? `${tag} “${text.length > 28 ? `${text.slice(0, 28)}…` : text}”` : tag;
    const plain = (value) => value.replaceAll("`", "'");
    const start = html.length > 90 ? `${html.slice(0, 90)}…` : html;
    const about = [`This is about the element \`${plain(start || tag)}\` on ${path}`, text && `with the text “${text}”`, source && `written in \`${plain(source)}\``, `found by \`${plain(selector)}\``];
    held.mention(name, `${about.filter(Boolean).join(", ")}.`);
    box.area.focus();
  }
  // What was last put above the draft, and that draft: what is put there next takes its place.
  let proposed = { whole: null, draft: "" };
  /** Puts words above the draft; a message that is being edited is left as it was, and is not what they are for. */
  async function fill(text) {
    if (box.isBusy()) return box.area.focus();
    await edits.leave();
    const typed = box.area.value.trim();
    const draft = typed === proposed.whole ? proposed.draft : typed === text ? "" : typed;
    proposed = { draft, whole: draft ? `${text}\n\n${draft}` : text };
    box.fill(proposed.whole);
  }
  return { fill, giveBack, answer, reached, focus: () => box.area.focus(), choose, answering, point, estimate: estimate($("#estimate"), mode, model) };
}
