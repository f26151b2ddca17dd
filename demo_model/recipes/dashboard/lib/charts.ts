// What the charts draw, worked out from the figures in data.ts.
import { content } from "./content";
import { entries, lastYear, months, shares, thisYear, week } from "./data";
import type { Entry } from "./data";
import { change, money, shortMoney, sum } from "./format";
import { shared } from "./store";

export const RANGES = [3, 6, 12];

/** How many of the latest months are shown. */
export const range = shared(12);

const LEFT = 58;
const RIGHT = 706;
const TOP = 14;
const FLOOR = 326;

/** A small line without axes, and the area under it, in a box of 200 by 44. */
function spark(values: number[]) {
  const low = Math.min(...values);
  const spread = Math.max(...values) - low || 1;
  const points = values.map((value, index) => {
    const x = (index / Math.max(1, values.length - 1)) * 200;
    return `${x.toFixed(1)},${(38 - ((value - low) / spread) * 32).toFixed(1)}`;
  });
  return { line: points.join(" "), area: `0,44 ${points.join(" ")} 200,44` };
}

export function keyFigures(count: number) {
  const now = thisYear.slice(-count);
  const before = lastYear.slice(-count);
  const total = sum(now);
  const last = now.at(-1) ?? 0;
  const figures = [
    { label: content.total, value: money(total), delta: change(total, sum(before)), series: now },
    {
      label: content.count,
      value: Math.round(total / 37).toLocaleString("en-GB"),
      delta: change(total * 1.04, sum(before)),
      series: now.map((value, index) => value * (1 + (index % 3) / 9)),
    },
    {
      label: content.people,
      value: Math.round(last / 29).toLocaleString("en-GB"),
      delta: change(last, before.at(-1) ?? 0),
      series: now.map((value, index) => value + index * 900),
    },
    {
      label: content.rate,
      value: `${Math.min(98, 74 + (total % 17))}%`,
      delta: "+3%",
      series: now.map((value, index) => value * (1 - (index % 4) / 14)),
    },
  ];
  return figures.map((figure, index) => ({ ...figure, ...spark(figure.series), colour: `var(--data-${index + 1})` }));
}

/** The trend of the latest months in a box of 720 by 360, with the month at `chosen` read out. */
export function trend(count: number, chosen: number) {
  const now = thisYear.slice(-count);
  const before = lastYear.slice(-count);
  const names = months.slice(-count);
  const top = Math.ceil(Math.max(...now, ...before) / 20000) * 20000;
  const at = Math.min(chosen, count - 1);
  const x = (index: number) => Math.round(LEFT + (index / (count - 1)) * (RIGHT - LEFT));
  const y = (value: number) => Math.round(TOP + (1 - value / top) * (FLOOR - TOP));
  const line = (values: number[]) => values.map((value, index) => `${x(index)},${y(value)}`).join(" ");
  return {
    month: names[at],
    now: money(now[at] ?? 0),
    before: money(before[at] ?? 0),
    change: change(now[at] ?? 0, before[at] ?? 0),
    rules: [0, 0.25, 0.5, 0.75, 1].map((share) => ({ y: y(top * share), label: shortMoney(top * share) })),
    names: names.map((label, index) => ({ label, x: x(index), active: index === at, odd: index % 2 > 0 })),
    line: line(now),
    lastLine: line(before),
    area: `${LEFT},${FLOOR} ${line(now)} ${RIGHT},${FLOOR}`,
    x: x(at),
    y: y(now[at] ?? 0),
  };
}

/** Which month the pointer is over. */
export function pointed(event: { clientX: number; currentTarget: EventTarget | null }, count: number): number {
  const box = (event.currentTarget as Element).getBoundingClientRect();
  const along = ((event.clientX - box.left) / box.width) * 720 - LEFT;
  return Math.max(0, Math.min(count - 1, Math.round((along / (RIGHT - LEFT)) * (count - 1))));
}

const ROUND = 2 * Math.PI * 70;

/** The parts of the whole as arcs of a circle with the radius 70. */
export const slices = shares.map((part, index) => ({
  ...part,
  colour: `var(--data-${index + 1})`,
  dash: `${((ROUND * part.share) / 100 - 3).toFixed(1)} ${ROUND.toFixed(1)}`,
  offset: ((-ROUND * sum(shares.slice(0, index).map((item) => item.share))) / 100).toFixed(1),
}));

const DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

export const days = week.map((value, index) => ({
  name: DAYS[index] ?? "",
  short: (DAYS[index] ?? "").slice(0, 2),
  value,
  height: `${Math.round((value / Math.max(...week)) * 85)}%`,
}));

export type Column = "who" | "what" | "day" | "state" | "amount";

export const COLUMNS: { name: Column; label: string }[] = [
  { name: "who", label: "Who" },
  { name: "what", label: "What" },
  { name: "day", label: "Day" },
  { name: "state", label: "State" },
  { name: "amount", label: "Amount" },
];

/** The entries that hold the words, in the order of a column. */
export function sorted(search: string, column: Column, down: boolean): Entry[] {
  const words = search.trim().toLowerCase();
  return entries
    .filter((entry) => `${entry.who} ${entry.what} ${entry.state}`.toLowerCase().includes(words))
    .sort((one, other) => compare(one[column], other[column]) * (down ? -1 : 1));
}

function compare(one: string | number, other: string | number): number {
  return typeof one === "number" && typeof other === "number" ? one - other : String(one).localeCompare(String(other));
}
