// A unified diff as elements: inline as it is, or side by side.
import { el } from "../lib/dom.js";

/** Lines of a unified diff → [{kind: "hunk"|"add"|"del"|"same", text, old, now}], numbers from 1. */
export function lines(diff) {
  const found = [];
  let old = 0;
  let now = 0;
  let inBody = false;
  for (const line of diff.split("\n")) {
    const hunk = /^@@ -(\d+)(?:,\d+)? \+(\d+)/.exec(line);
    if (hunk) {
      [old, now, inBody] = [Number(hunk[1]), Number(hunk[2]), true];
      found.push({ kind: "hunk", text: line });
    } else if (inBody && line.startsWith("+")) found.push({ kind: "add", text: line.slice(1), now: now++ });
    else if (inBody && line.startsWith("-")) found.push({ kind: "del", text: line.slice(1), old: old++ });
    else if (inBody && line.startsWith(" ")) found.push({ kind: "same", text: line.slice(1), old: old++, now: now++ });
  }
  return found;
}

/** The head of a change, with what can be done about it. `act(n)`: a button for the change of that number, or null. */
function heads(act) {
  let number = 0;
  return (text) => {
    const button = act?.(number++);
    return el("span", { class: "hunk" }, text, ...(button ? [button] : []), "\n");
  };
}

const SIGN = { add: "+", del: "-", same: " " };
export function inline(diff, act) {
  const head = heads(act);
  return el("pre", { class: "diff", tabindex: 0 }, ...lines(diff).map(({ kind, text }) => (kind === "hunk" ? head(text) : el("span", { class: kind }, `${SIGN[kind]}${text}\n`))));
}

/** Lines that were taken away stand beside those that came in their place. */
export function split(diff, act) {
  const head = heads(act);
  const box = el("div", { class: "split" });
  let gone = [];
  let come = [];
  const side = (line, number) => (line ? el("span", { class: line.kind }, el("i", {}, String(number)), line.text) : el("span", { class: "void" }));
  const flush = () => {
    for (let i = 0; i < Math.max(gone.length, come.length); i += 1) box.append(side(gone[i], gone[i]?.old), side(come[i], come[i]?.now));
    gone = [];
    come = [];
  };
  for (const line of lines(diff)) {
    if (line.kind === "del") gone.push(line);
    else if (line.kind === "add") come.push(line);
    else {
      flush();
      if (line.kind === "hunk") box.append(head(line.text));
      else box.append(side(line, line.old), side(line, line.now));
    }
  }
  flush();
  return box;
}
