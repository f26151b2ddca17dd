// Times for people: "3 min ago", "0:42", "26:00:42".
import { $$ } from "./dom.js";

const units = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];
const words = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "short" });

export function ago(iso) {
  const seconds = (new Date(iso) - Date.now()) / 1000;
  const unit = units.find(([, size]) => Math.abs(seconds) >= size);
  return unit ? words.format(Math.round(seconds / unit[1]), unit[0]) : "just now";
}

export function clock(seconds) {
  const hours = Math.floor(seconds / 3600);
  const parts = [...(hours ? [hours] : []), Math.floor(seconds / 60) % 60, Math.floor(seconds % 60)];
  return parts.map((part, index) => (index ? String(part).padStart(2, "0") : part)).join(":");
}

/** Puts relative times into every <time data-ago> and keeps them true. */
export function keepTimes(root = document) {
  const update = () => {
    for (const node of $$("time[data-ago]", root)) {
      node.title ||= new Date(node.dateTime).toLocaleString();
      const text = ago(node.dateTime);
      if (node.textContent !== text) node.textContent = text;
    }
  };
  update();
  return setInterval(update, 30_000);
}
