// A kanban board that lives in this browser.
const KEY = "board";
const LANES = ["Ideas", "Next", "Doing", "Done"];
const labels = «labels»;
const people = «copy.team».map((person) => person.who);
const starter = «copy.tasks»;
const find = (selector, from = document) => from.querySelector(selector);
let cards = stored();
let dragged = null;

function stored() {
  try {
    const value = JSON.parse(localStorage.getItem(KEY) ?? "null");
    if (Array.isArray(value)) return value;
  } catch {
    // Unreadable storage: begin with the samples.
  }
  const lanes = [2, 3, 1, 1, 0, 0];
  return starter.map((text, index) => ({
    id: `start-${index}`,
    text,
    lane: lanes[index] ?? 0,
    label: index % labels.length,
    person: people[index % people.length],
  }));
}

function update(next, news = "") {
  cards = next;
  try {
    localStorage.setItem(KEY, JSON.stringify(cards));
  } catch {
    // Storage can be full or switched off; the board then lasts as long as the page.
  }
  draw();
  find("[data-news]").textContent = news;
}

function move(id, lane, before) {
  const card = cards.find((item) => item.id === id);
  if (!card || !LANES[lane] || before === id) return;
  const rest = cards.filter((item) => item.id !== id);
  const at = rest.findIndex((item) => item.id === before);
  update(rest.toSpliced(at < 0 ? rest.length : at, 0, { ...card, lane }), `Moved to ${LANES[lane]}`);
}

function nudge(id, step) {
  const card = cards.find((item) => item.id === id);
  const lane = cards.filter((item) => item.lane === card.lane);
  const at = lane.indexOf(card);
  if (lane[at + step]) move(id, card.lane, step < 0 ? lane[at - 1].id : lane[at + 2]?.id);
}

function draw() {
  const wanted = find("[data-search]").value.trim().toLowerCase();
  const shown = cards.filter((card) => card.text.toLowerCase().includes(wanted));
  find("[data-board]").replaceChildren(...LANES.map((name, lane) => section(name, lane, shown.filter((card) => card.lane === lane))));
}

function section(name, lane, mine) {
  const element = find("#lane").content.firstElementChild.cloneNode(true);
  element.setAttribute("aria-label", name);
  find(".dot", element).style.background = `var(--data-${lane + 1})`;
  find("b", element).textContent = name;
  find(".count", element).textContent = mine.length;
  find("ul", element).append(...mine.map(ticket));
  find(".nothing", element).hidden = mine.length > 0;
  element.addEventListener("dragover", (event) => {
    event.preventDefault();
    element.classList.add("over");
  });
  element.addEventListener("dragleave", () => element.classList.remove("over"));
  element.addEventListener("drop", (event) => {
    event.preventDefault();
    move(dragged, lane, event.target.closest("[data-card]")?.dataset.card);
  });
  return element;
}

function ticket(card) {
  const element = find("#card").content.firstElementChild.cloneNode(true);
  const arrow = find(".ticket-move", element);
  const remove = find(".ticket-delete", element);
  element.dataset.card = card.id;
  find(".tag i", element).style.background = `var(--data-${card.label + 1})`;
  find(".tag span", element).textContent = labels[card.label];
  find("p", element).textContent = card.text;
  find("[data-person]", element).textContent = card.person;
  remove.setAttribute("aria-label", `Delete ${card.text}`);
  remove.addEventListener("click", () => update(cards.filter((item) => item.id !== card.id), "Deleted"));
  arrow.setAttribute("aria-label", `Move ${card.text}. Arrow keys move it, Enter moves it on.`);
  arrow.addEventListener("click", () => move(card.id, card.lane + 1));
  arrow.addEventListener("keydown", (event) => press(event, card));
  element.addEventListener("dragstart", (event) => {
    dragged = card.id;
    event.dataTransfer.setData("text/plain", card.text);
    element.classList.add("dragged");
  });
  element.addEventListener("dragend", draw);
  return element;
}

function press(event, card) {
  const moves = {
    ArrowLeft: () => move(card.id, card.lane - 1),
    ArrowRight: () => move(card.id, card.lane + 1),
    ArrowUp: () => nudge(card.id, -1),
    ArrowDown: () => nudge(card.id, 1),
  };
  if (!moves[event.key]) return;
  event.preventDefault();
  moves[event.key]();
  find(`[data-card="${CSS.escape(card.id)}"] .ticket-move`)?.focus();
}

find("[data-labels]").append(...labels.map((label, index) => new Option(label, index)));
find("[data-search]").addEventListener("input", draw);
find("[data-composer]").addEventListener("submit", (event) => {
  event.preventDefault();
  const { text, label } = event.target.elements;
  const card = { id: Date.now().toString(36), text: text.value.trim(), lane: 0, label: Number(label.value), person: "You" };
  if (card.text) update([...cards, card], "Added");
  text.value = "";
});

draw();
