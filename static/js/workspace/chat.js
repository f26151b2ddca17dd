// The conversation: server-rendered items put in place by id, live text and terminal output appended between them.
import { $, $$, el } from "../lib/dom.js";
import { getPage } from "../lib/http.js";
import { toast } from "../lib/toast.js";
import { aside } from "./aside.js";

const AT_BOTTOM = 60;
// So many cards at the end are laid out, seen or not.
const NEAR = 40;

export function chat() {
  const list = $("#chat");
  const scroller = $("#chat-scroll");
  const pill = $("#latest");
  const lives = new Map();
  const unpainted = new Set();
  let following = true;
  // Where it was, and of how much.
  let top = 0;
  let height = 0;

  const toBottom = () => {
    scroller.scrollTop = scroller.scrollHeight;
  };
  scroller.addEventListener(
    "scroll",
    () => {
      const now = { top: scroller.scrollTop, height: scroller.scrollHeight };
      if (now.height - now.top - scroller.clientHeight < AT_BOTTOM) following = true;
      // Only a person goes up. What grew below, or shrank above, before this was heard of, is followed.
      else if (now.top < top && now.height >= height) following = false;
      ({ top, height } = now);
      // At the end the page holds the place itself; further up the browser does.
      scroller.toggleAttribute("data-following", following);
      if (following) pill.hidden = true;
    },
    { passive: true },
  );
  pill.addEventListener("click", () => {
    following = true;
    toBottom();
  });
  // Also when images of the page settle, panes change width, a card opens.
  new ResizeObserver(() => following && toBottom()).observe(list);
  new ResizeObserver(() => following && toBottom()).observe(scroller);
  for (const item of [...list.children].slice(0, -NEAR)) item.classList.add("far");
  toBottom();

  /** A new card at the end. */
  function append(item) {
    list.append(item);
    list.children[list.children.length - 1 - NEAR]?.classList.add("far");
    return item;
  }

  /** What a finished run said last stands above its closing card: it is not said twice. */
  function once(root = list) {
    for (const card of $$(".done > .prose", root)) {
      let above = card.closest(".item").previousElementSibling;
      while (above && !$(".reply, .say", above)) above = above.previousElementSibling;
      card.hidden = Boolean(above) && $(".reply", above)?.textContent.trim() === card.textContent.trim();
    }
  }
  once();
  const { fold, setAside } = aside(list);

  /** After a batch of changes: stay at the bottom, or say that there is more. */
  function settle() {
    for (const live of unpainted) paint(live);
    unpainted.clear();
    if (following) toBottom();
    else pill.hidden = false;
  }

  function add(id, html) {
    const item = el("li", { class: "item fresh", id });
    item.innerHTML = html;
    append(item);
    once(item);
    return item;
  }

  /** Replaces the item of that id, or appends it. A card that was opened by hand stays open. */
  function upsert(id, html) {
    const old = document.getElementById(id);
    lives.delete(id);
    if (!old) return add(id, html);
    const card = $("details", old);
    const wasOpen = card?.open;
    const touched = card?.hasAttribute("data-touched");
    const term = $(".term", old);
    const depth = term && term.scrollTop;
    // A reply stands where it was finished, as on a page that is loaded later.
    if (old.classList.contains("live") && old.nextElementSibling) list.append(old);
    old.classList.remove("live");
    old.innerHTML = html;
    once(old);
    const now = $("details", old);
    if (now && touched) {
      now.open = wasOpen;
      now.setAttribute("data-touched", "");
      if (depth) $(".term", old)?.scrollTo(0, depth);
    }
    return old;
  }
  list.addEventListener("click", (event) => {
    event.target.closest("summary")?.parentElement.setAttribute("data-touched", "");
  });

  /** Appends streamed text. Offsets count code points; what is known already is skipped; false when a piece is missing. */
  function stream(id, offset, text) {
    let live = lives.get(id);
    if (!live || offset === 0) {
      if (offset > 0) return false;
      let item = document.getElementById(id);
      if (item && !item.classList.contains("live")) return true;
      item ??= append(el("li", { class: "item live", id }));
      item.replaceChildren(el("div", { class: "reply live-text" }));
      live = { box: item.firstChild, length: 0, block: null, text: "", line: "", fenced: false };
      lives.set(id, live);
    }
    const points = [...text];
    if (offset > live.length) return false;
    const fresh = points.slice(live.length - offset);
    live.length += fresh.length;
    if (fresh.length) write(live, fresh.join(""));
    return true;
  }

  /** Only the last block is ever touched: a flood of tokens costs the same at the end as at the start. */
  function write(live, text) {
    unpainted.add(live);
    for (const [index, line] of text.split("\n").entries()) {
      if (index > 0) endLine(live);
      if (!line) continue;
      live.line += line;
      live.block ??= live.box.appendChild(el(live.fenced ? "pre" : "p"));
      live.text += line;
    }
  }
  function endLine(live) {
    const line = live.line;
    live.line = "";
    const isFence = line.trimStart().startsWith("```");
    if (isFence) live.text = live.text.slice(0, -line.length);
    else if (live.block) live.text += "\n";
    if (!isFence && (live.fenced || line.trim())) return;
    live.text = live.text.trimEnd();
    paint(live);
    if (live.block && !live.text) live.block.remove();
    if (isFence) live.fenced = !live.fenced;
    live.block = null;
    live.text = "";
  }
  /** Bold and code as they close; everything else of the Markdown comes with the finished reply. */
  function paint({ block, text, fenced }) {
    if (!block) return;
    if (fenced) block.textContent = text;
    else block.replaceChildren(...text.split(/(\*\*[^*\n]+\*\*|`[^`\n]+`)/).map(inline));
  }
  function inline(piece) {
    if (/^\*\*.+\*\*$/.test(piece)) return el("strong", {}, piece.slice(2, -2));
    return /^`.+`$/.test(piece) ? el("code", {}, piece.slice(1, -1)) : piece;
  }

  /** Appends command output to the card of that call. */
  function terminal(id, offset, text) {
    const out = $(`#${CSS.escape(id)} [data-terminal]`);
    if (!out) return;
    const known = Number(out.dataset.length ?? 0);
    const fresh = [...text].slice(Math.max(0, known - offset)).join("");
    if (offset > known || !fresh) return;
    out.dataset.length = offset + [...text].length;
    out.append(fresh);
    const box = out.parentElement;
    box.scrollTop = box.scrollHeight;
  }

  /** A message on its way; the event that confirms it takes its place. */
  function pending(text) {
    const said = el("div", { class: "say" }, el("div", { class: "say-text prose" }));
    said.firstChild.textContent = text;
    const item = append(el("li", { class: "item pending fresh" }, said));
    following = true;
    toBottom();
    return item;
  }
  const dropPending = () => {
    for (const item of $$(".pending", list)) item.remove();
  };

  /** Takes over every item another rendering of this page has and this one lacks. */
  function merge(page) {
    for (const item of $$("#chat > .item[id]", page)) {
      if (document.getElementById(item.id)) continue;
      const card = append(document.importNode(item, true));
      card.classList.add("fresh");
      once(card);
    }
    fold();
  }
  /** What came before the cards that the page began with, put above them; what is looked at stays where it is. */
  async function showEarlier(link) {
    if (link.ariaBusy === "true") return;
    link.ariaBusy = "true";
    let page;
    try {
      page = await getPage(link.href);
    } catch (error) {
      return toast(error.message, { error: true });
    } finally {
      link.ariaBusy = null;
    }
    const fromEnd = scroller.scrollHeight - scroller.scrollTop;
    const first = list.firstElementChild;
    for (const item of $$("#chat > .item[id]", page)) {
      if (document.getElementById(item.id)) continue;
      const card = list.insertBefore(document.importNode(item, true), first);
      card.classList.add("far");
    }
    const next = $("#earlier", page);
    if (next) link.href = next.getAttribute("href");
    else link.remove();
    once();
    fold();
    scroller.scrollTop = scroller.scrollHeight - fromEnd;
  }
  $("#earlier")?.addEventListener("click", (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    showEarlier(event.currentTarget);
  });

  /** Live text that no reply replaced (stopped, failed) is kept, no longer blinking. */
  function freeze() {
    for (const item of $$(".live", list)) item.classList.remove("live");
    for (const spinner of $$(".tool .spinner", list)) spinner.remove();
  }
  return { upsert, stream, terminal, pending, dropPending, merge, freeze, settle, setAside };
}
