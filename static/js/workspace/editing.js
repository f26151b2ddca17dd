// A message that was worked on, opened in the composer: sent again it takes its own place. Left, it gives back the draft.
import { $, $$, delegate, isComposing } from "../lib/dom.js";
import { getJson, remove } from "../lib/http.js";
import { toast } from "../lib/toast.js";

/** `post(text, entries, more)` sends a message with what goes along; `refused(error)` says why it was not taken. */
export function editing(root, run, { form, box, held, mode, model, choose, post, refused }) {
  const bar = $("#editing");
  // The message, what sending would do, and what stood here beside the draft's text: {id, created, instead, draft}.
  let now = null;
  // While it is being left, which waits for files on their way.
  let leaving = null;

  function tell({ created, instead }) {
    const at = new Date(created);
    const today = at.toDateString() === new Date().toDateString();
    const time = at.toLocaleString([], { ...(today ? {} : { month: "short", day: "numeric" }), hour: "2-digit", minute: "2-digit" });
    const others = instead.messages > 1 ? "What came after it is set aside" : "What came of it is set aside";
    const files = instead.version === null ? "no file was changed since, so the files stay" : instead.version ? `the files go back to version ${instead.version}` : "the files go back to the beginning";
    const words = `Editing your message of ${time}. ${others}; ${files}.`;
    $("p", bar).textContent = words;
    bar.hidden = false;
    // What was hidden until now is not read out.
    $("#announce").textContent = words;
  }
  /** What the server knows of a message; null, and said, where it cannot be edited. */
  async function look(id) {
    try {
      const said = await getJson(`${root.dataset.messages}${id}/`);
      if (said.instead) return said;
      toast("This message cannot be edited any more. Send another one to change course.", { error: true });
    } catch (error) {
      toast(error.message, { error: true });
    }
    return null;
  }

  async function begin(id) {
    if (run.active()) {
      const stop = { label: "Stop it", run: () => $("#stop-form").requestSubmit() };
      return toast("A run is at work. Stop it or wait for it, then edit the message.", { action: stop });
    }
    if (now?.id === id || box.isBusy()) return box.area.focus();
    const said = await look(id);
    if (!said) return;
    await leave();
    const draft = { mode: mode.value, model: model.value };
    now = { ...said, draft };
    draft.back = (await held.take()).back;
    held.restore(said.attachments.map(({ id, name, kind, url }) => ({ id, name, picture: kind === "image" ? url : null, sent: true })));
    choose(said.mode);
    // Where auto is chosen it may pick another one than it did for the old words.
    if (model.value !== "auto" && $$("option", model).some(({ value }) => value === said.model)) model.value = said.model;
    tell(said);
    box.lend(said.text);
  }
  /** Gives the composer back to the draft. `taken`: the files were sent, and are not to be thrown away. */
  function leave(taken = false) {
    if (now) leaving ??= giveBack(taken).finally(() => (leaving = null));
    return leaving;
  }
  async function giveBack(taken) {
    const { draft } = now;
    const { entries, done } = await held.take();
    done();
    if (!taken) for (const { id, sent } of entries) if (id && !sent) remove(`${root.dataset.attachments}${id}/`).catch(() => {});
    now = null;
    bar.hidden = true;
    draft.back();
    choose(draft.mode);
    model.value = draft.model;
    box.error(null);
    box.giveBack();
  }
  /** Sends it; refused, it stays as it was typed, with the reason. */
  async function send(text, chosen) {
    const { id, instead } = now;
    box.error(null);
    box.busy(true);
    try {
      await post(text, await held.ready(), { ...chosen, instead_of: id, seen: instead.seen });
      await leave(true);
    } catch (error) {
      // What is so by now: sent once more, it is meant like that.
      const said = error.status === 409 && !run.active() ? await look(id) : null;
      if (said && now) tell(Object.assign(now, { instead: said.instead }));
      refused(error);
    } finally {
      box.busy(false);
    }
  }

  delegate($("#chat"), "click", "[data-edit-message]", (_event, button) => begin(button.dataset.editMessage));
  $("button", bar).addEventListener("click", () => !box.isBusy() && leave());
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && now && !isComposing(event) && !box.isBusy() && !$("details[open]", form)) {
      event.preventDefault();
      leave();
    }
    const isPlain = !event.shiftKey && !event.ctrlKey && !event.altKey && !event.metaKey;
    if (event.key !== "ArrowUp" || event.target !== box.area || box.area.value || now || !isPlain) return;
    const last = $$("#chat > .item:not([data-aside]) [data-edit-message]").at(-1);
    if (!last) return;
    event.preventDefault();
    begin(last.dataset.editMessage);
  });
  return { on: () => now !== null, leave, send };
}
