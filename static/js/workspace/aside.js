// What an edited message set aside stays in the conversation, folded under one line that says how much it is.
import { $$, el, icon } from "../lib/dom.js";

/** Wires the list of cards. Those with `data-aside` are the ones; they are hidden until their line is opened. */
export function aside(list) {
  const known = new Set();
  const isAside = (item) => "aside" in item.dataset;

  /** Draws the lines anew, one above each row of cards that were set aside. */
  function fold() {
    for (const line of $$(":scope > .aside-line", list)) line.remove();
    const rows = [];
    let row = null;
    for (const item of list.children) {
      if (!isAside(item)) row = null;
      else if (row) row.push(item);
      else rows.push((row = [item]));
    }
    for (const items of rows) items[0].before(line(items));
  }
  function line(items) {
    const count = items.filter((item) => item.querySelector(".say")).length;
    const words = count === 1 ? "1 message set aside" : count ? `${count} messages set aside` : "Set aside";
    const button = el("button", { type: "button", class: "btn quiet sm" }, icon("chevron-down"), words);
    const open = (on) => {
      button.setAttribute("aria-expanded", String(on));
      for (const item of items) item.hidden = !on;
    };
    button.addEventListener("click", () => open(items[0].hidden));
    open(items.some((item) => !item.hidden));
    return el("li", { class: "aside-line" }, button);
  }
  /** Sets aside the card of a message and all after it, once: what comes later with the same news stays. */
  function setAside(id) {
    if (!id || known.has(id)) return;
    known.add(id);
    const cards = $$(":scope > .item", list);
    const first = document.getElementById(`msg-${id}`);
    for (const item of cards.slice(Math.max(0, cards.indexOf(first)))) {
      item.dataset.aside = "";
      item.hidden = true;
    }
    fold();
  }
  fold();
  return { fold, setAside };
}
