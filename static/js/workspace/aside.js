// What an edited message set aside stays in the conversation, folded under one line that says how much it is.
import { $, $$, delegate, el, icon } from "../lib/dom.js";

/** Wires the list of cards. Those with `data-aside` are the ones; they are hidden until their line is opened. */
export function aside(list) {
  const known = new Set();
  const isAside = (item) => "aside" in item.dataset;
  const isLine = (item) => item.matches(".aside-line");

  /** One line above each row of cards that were set aside. A line that is there stays, and so does the focus on it. */
  function fold() {
    const rows = [];
    let row = null;
    for (const item of list.children) {
      if (!isAside(item) && !isLine(item)) row = null;
      else if (row) row.push(item);
      else rows.push((row = [item]));
    }
    for (const row of rows) {
      const lines = row.filter(isLine);
      const isFocused = lines.some((one) => one.contains(document.activeElement));
      const [line = el("li", { class: "aside-line" }, el("button", { type: "button", class: "btn quiet sm" })), ...others] = lines;
      for (const other of others) other.remove();
      if (row[0] !== line) row[0].before(line);
      const cards = row.filter(isAside);
      draw(line, cards);
      open(line, cards, cards.some((item) => !item.hidden));
      if (isFocused) $("button", line).focus({ preventScroll: true });
    }
  }
  function draw(line, cards) {
    const count = cards.filter((item) => $(".say", item)).length;
    const words = count === 1 ? "1 message set aside" : count ? `${count} messages set aside` : "Set aside";
    $("button", line).replaceChildren(icon("chevron-down"), words);
  }
  function open(line, cards, on) {
    $("button", line).setAttribute("aria-expanded", String(on));
    for (const item of cards) item.hidden = !on;
  }
  delegate(list, "click", ".aside-line button", (_event, button) => {
    const line = button.parentElement;
    const cards = [];
    for (let item = line.nextElementSibling; item && isAside(item); item = item.nextElementSibling) cards.push(item);
    open(line, cards, cards[0].hidden);
  });
  /**
   * Sets aside the card of a message and all after it, once: what comes later with the same news stays. So does what is
   * here ahead of the event `at` that tells of it, because the page was asked for it.
   */
  function setAside(id, at) {
    if (!id || known.has(id)) return;
    known.add(id);
    const cards = $$(":scope > .item", list);
    const first = document.getElementById(`msg-${id}`);
    for (const item of cards.slice(Math.max(0, cards.indexOf(first)))) {
      if (Number(item.dataset.cursor) >= at) continue;
      item.dataset.aside = "";
      item.hidden = true;
    }
    fold();
  }
  fold();
  return { fold, setAside };
}
