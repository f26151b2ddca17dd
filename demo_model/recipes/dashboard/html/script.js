// Draws the dashboard from data.js.
import { currency, entries, lastYear, months, names, thisYear, week } from "./data.js";

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const COLUMNS = { who: "Who", what: "What", day: "Day", state: "State", amount: "Amount" };
const find = (selector) => document.querySelector(selector);
const money = (amount) => `${currency}${Math.round(amount).toLocaleString("en-GB")}`;
const sum = (values) => values.reduce((total, value) => total + value, 0);
let range = 12;
let month = 11;
let day = week.indexOf(Math.max(...week));
let sorting = { column: "day", down: true };

function change(now, before) {
  const percent = before ? Math.round((100 * (now - before)) / before) : 0;
  return `${percent < 0 ? "−" : "+"}${Math.abs(percent)}%`;
}

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function shape(tag, attributes, text = "") {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.textContent = text;
  return made;
}

function spark(values, colour) {
  const low = Math.min(...values);
  const spread = Math.max(...values) - low || 1;
  const points = values.map((value, at) => `${(at / (values.length - 1)) * 200},${38 - ((value - low) / spread) * 32}`).join(" ");
  const svg = shape("svg", { viewBox: "0 0 200 44", preserveAspectRatio: "none", class: "spark", "aria-hidden": "true" });
  svg.append(
    shape("polygon", { points: `0,44 ${points} 200,44`, fill: colour, opacity: 0.12 }),
    shape("polyline", { points, fill: "none", stroke: colour, "stroke-width": 2, "vector-effect": "non-scaling-stroke" }),
  );
  return svg;
}

function drawFigures(now, before) {
  const total = sum(now);
  const figures = [
    [names.total, money(total), change(total, sum(before)), now],
    [names.count, Math.round(total / 37).toLocaleString("en-GB"), change(total * 1.04, sum(before)), now.map((v, at) => v * (1 + (at % 3) / 9))],
    [names.people, Math.round(now.at(-1) / 29).toLocaleString("en-GB"), change(now.at(-1), before.at(-1)), now.map((v, at) => v + at * 900)],
    [names.rate, `${Math.min(98, 74 + (total % 17))}%`, "+3%", now.map((v, at) => v * (1 - (at % 4) / 14))],
  ];
  find("[data-figures]").replaceChildren(
    ...figures.map(([label, value, delta, values], at) =>
      element(
        "div",
        { className: "card" },
        element("dt", { className: "small muted", textContent: label }),
        element("dd", { className: "figure-value" }, value, element("span", { className: "delta", textContent: delta })),
        element("dd", {}, spark(values, `var(--data-${at + 1})`)),
      ),
    ),
  );
}

function drawTrend(now, before) {
  const labels = months.slice(-range);
  const top = Math.ceil(Math.max(...now, ...before) / 20000) * 20000;
  const x = (at) => 52 + (at / (range - 1)) * 654;
  const y = (value) => 14 + (1 - value / top) * 292;
  const line = (values) => values.map((value, at) => `${x(at)},${y(value)}`).join(" ");
  const grid = [0, 0.25, 0.5, 0.75, 1].flatMap((share) => [
    shape("line", { x1: 52, x2: 706, y1: y(top * share), y2: y(top * share), stroke: "var(--line)" }),
    shape("text", { x: 42, y: y(top * share) + 4, "text-anchor": "end" }, `${currency}${Math.round((top * share) / 1000)}k`),
  ]);
  const axis = labels.map((label, at) => shape("text", { x: x(at), y: 332, "text-anchor": "middle", class: at % 2 ? "odd" : "" }, label));
  find("[data-trend]").replaceChildren(
    ...grid,
    ...axis,
    shape("polygon", { points: `${x(0)},${y(0)} ${line(now)} ${x(range - 1)},${y(0)}`, fill: "var(--data-1)", opacity: 0.14 }),
    shape("polyline", { points: line(before), fill: "none", stroke: "var(--muted)", "stroke-width": 2, "stroke-dasharray": "2 6", "stroke-linecap": "round" }),
    shape("polyline", { points: line(now), fill: "none", stroke: "var(--data-1)", "stroke-width": 3, "stroke-linejoin": "round" }),
    shape("line", { x1: x(month), x2: x(month), y1: 14, y2: y(0), stroke: "var(--ink)", "stroke-opacity": 0.25 }),
    shape("circle", { cx: x(month), cy: y(now[month]), r: 6, fill: "var(--data-1)", stroke: "var(--surface)", "stroke-width": 3 }),
  );
  find("[data-reading]").replaceChildren(
    element("b", { textContent: labels[month] }),
    ` ${money(now[month])} ${change(now[month], before[month])}`,
    element("br"),
    element("span", { className: "muted", textContent: `last year ${money(before[month])}` }),
  );
  Object.assign(find("[data-month]"), { max: range - 1, value: month });
}

function drawWeek() {
  const top = Math.max(...week);
  find("[data-day]").textContent = `${DAYS[day]}: ${week[day]} visits`;
  for (const [at, bar] of [...find("[data-week]").children].entries()) bar.setAttribute("aria-pressed", String(at === day));
  if (find("[data-week]").children.length) return;
  find("[data-week]").append(...week.map((value, at) => barFor(value / top, at)));
}

function barFor(share, at) {
  const bar = element("button", { className: "bar", type: "button", ariaLabel: `${DAYS[at]}: ${week[at]} visits` });
  bar.style.height = `${share * 100}%`;
  bar.setAttribute("aria-pressed", String(at === day));
  const pick = () => {
    day = at;
    drawWeek();
  };
  for (const name of ["click", "focus", "pointerenter"]) bar.addEventListener(name, pick);
  return bar;
}

function drawEntries() {
  const wanted = find("[data-search]").value.trim().toLowerCase();
  const { column, down } = sorting;
  const shown = entries
    .filter((entry) => Object.values(entry).join(" ").toLowerCase().includes(wanted))
    .toSorted((one, other) => (down ? -1 : 1) * String(one[column]).localeCompare(String(other[column]), "en", { numeric: true }));
  find("[data-columns]").replaceChildren(...Object.entries(COLUMNS).map(([name, label]) => heading(name, label)));
  find("[data-entries]").replaceChildren(
    ...shown.map((entry) =>
      element("tr", {}, ...Object.keys(COLUMNS).map((name) => element("td", {}, name === "state" ? badge(entry.state) : name === "amount" ? money(entry.amount) : String(entry[name])))),
    ),
  );
  find("[data-nothing]").hidden = shown.length > 0;
}

function badge(state) {
  return element("span", { className: state === "Paid" ? "state paid" : "state", textContent: state });
}

function heading(name, label) {
  const active = sorting.column === name;
  const cell = element("th", { scope: "col" });
  cell.setAttribute("aria-sort", active ? (sorting.down ? "descending" : "ascending") : "none");
  const button = element("button", { type: "button", textContent: `${label} ${active ? (sorting.down ? "↓" : "↑") : ""}` });
  button.addEventListener("click", () => {
    sorting = { column: name, down: active ? !sorting.down : name === "amount" || name === "day" };
    drawEntries();
  });
  cell.append(button);
  return cell;
}

function draw() {
  month = Math.min(month, range - 1);
  for (const button of document.querySelectorAll("[data-range]")) {
    button.setAttribute("aria-pressed", String(Number(button.dataset.range) === range));
  }
  const [now, before] = [thisYear.slice(-range), lastYear.slice(-range)];
  drawFigures(now, before);
  drawTrend(now, before);
}

find("[data-ranges]").addEventListener("click", (event) => {
  range = Number(event.target.dataset.range) || range;
  month = range - 1;
  draw();
});

find("[data-month]").addEventListener("input", (event) => {
  month = Number(event.target.value);
  draw();
});

find("[data-trend]").addEventListener("pointermove", (event) => {
  const box = event.currentTarget.getBoundingClientRect();
  const along = ((event.clientX - box.left) / box.width) * 720 - 52;
  month = Math.max(0, Math.min(range - 1, Math.round((along / 654) * (range - 1))));
  draw();
});

find("[data-search]").addEventListener("input", drawEntries);

draw();
drawWeek();
drawEntries();
