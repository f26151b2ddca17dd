// The dev server's log as it comes: followed while the pane is seen, or while the doctor reads it.
import { $, el } from "../lib/dom.js";
import { toast } from "../lib/toast.js";

const MOST_LINES = 2_000;
const ERROR = /\b(error|failed|cannot find|not found|exception|EADDRINUSE|unexpected token)\b/i;
// What terminals colour with.
const ESCAPES = /\u001b\[[0-9;?]*[A-Za-z]/g;

export const isError = (line) => ERROR.test(line) && !/\b0 errors?\b/i.test(line);

/** Opens the log; `on(text)` for each piece, `end(reason)` once when it cannot be followed. Returns a function that closes it. */
export function followLog(root, on, end) {
  const source = new EventSource(`${root.dataset.sandbox}logs/`);
  source.onmessage = ({ data }) => on(JSON.parse(data).text.replace(ESCAPES, ""));
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) end();
  };
  return () => source.close();
}

export function logs(root, panes) {
  const box = $("#log");
  const none = $("#log-none");
  const state = $("#log-state");
  let close = null;
  let rest = "";
  let first = true;

  function add(text) {
    // A server that comes back sends its last lines again.
    if (first) box.replaceChildren();
    first = false;
    const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 60;
    const pieces = (rest + text).split("\n");
    rest = pieces.pop();
    box.append(...pieces.map((line) => el("span", { class: isError(line) ? "err" : null }, `${line}\n`)));
    while (box.childElementCount > MOST_LINES) box.firstElementChild.remove();
    if (atEnd) box.scrollTop = box.scrollHeight;
  }
  function start() {
    stop();
    first = true;
    rest = "";
    none.hidden = true;
    state.textContent = "follows";
    close = followLog(root, add, () => {
      stop();
      state.textContent = "";
      none.hidden = false;
    });
    if (!box.childElementCount) box.replaceChildren(el("span", { class: "note" }, "Nothing said yet.\n"));
  }
  function stop() {
    close?.();
    close = null;
    state.textContent = "";
  }
  panes.when("logs", (seen) => (seen ? start() : stop()));
  $("#log-clear").addEventListener("click", () => box.replaceChildren());
  $("#log-copy").addEventListener("click", async () => {
    await navigator.clipboard.writeText(box.textContent);
    toast("Copied.");
  });
  return {
    /** The app answers (again): what it says can be followed. */
    again: () => !$("#logs").hidden && !close && start(),
  };
}
