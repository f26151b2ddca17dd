// A todo list that lives in this browser.
const KEY = "tasks";
const starter = «copy.tasks»;
const find = (selector) => document.querySelector(selector);
let filter = "all";
let tasks = stored();

function stored() {
  try {
    const value = JSON.parse(localStorage.getItem(KEY) ?? "null");
    if (Array.isArray(value)) return value;
  } catch {
    // Unreadable storage: begin with the samples.
  }
  return starter.map((text, index) => ({ id: `start-${index}`, text, done: index === 0, urgent: index === 1 }));
}

function update(next) {
  tasks = next;
  try {
    localStorage.setItem(KEY, JSON.stringify(tasks));
  } catch {
    // Storage can be full or switched off; the list then lasts as long as the page.
  }
  draw();
}

function change(id, part) {
  update(tasks.map((task) => (task.id === id ? { ...task, ...part } : task)));
}

function draw() {
  const done = tasks.filter((task) => task.done).length;
  const share = tasks.length ? Math.round((100 * done) / tasks.length) : 0;
  const counts = { all: tasks.length, open: tasks.length - done, done };
  const shown = tasks.filter((task) => filter === "all" || task.done === (filter === "done"));
  find("[data-ring]").setAttribute("stroke-dasharray", `${share} 100`);
  find("[data-percent]").textContent = `${share}%`;
  find("[data-count]").textContent = `${done} of ${tasks.length} done`;
  for (const button of document.querySelectorAll("[data-filter]")) {
    const name = button.dataset.filter;
    button.textContent = `${name[0].toUpperCase()}${name.slice(1)} ${counts[name]}`;
    button.setAttribute("aria-pressed", String(name === filter));
  }
  find("[data-clear]").hidden = !done;
  find("[data-empty]").hidden = shown.length > 0;
  find("[data-tasks]").replaceChildren(...shown.map(item));
}

function item(task) {
  const row = find("#task").content.firstElementChild.cloneNode(true);
  const [box, text] = row.querySelectorAll("input");
  const urgent = row.querySelector("[data-urgent]");
  const remove = row.querySelector("[data-delete]");
  row.classList.toggle("done", task.done);
  box.checked = task.done;
  box.setAttribute("aria-label", `Done: ${task.text}`);
  box.addEventListener("change", () => change(task.id, { done: box.checked }));
  text.value = task.text;
  text.addEventListener("change", () => change(task.id, { text: text.value.trim() || task.text }));
  urgent.setAttribute("aria-pressed", String(task.urgent));
  urgent.setAttribute("aria-label", `Urgent: ${task.text}`);
  urgent.addEventListener("click", () => change(task.id, { urgent: !task.urgent }));
  remove.setAttribute("aria-label", `Delete: ${task.text}`);
  remove.addEventListener("click", () => update(tasks.filter((other) => other.id !== task.id)));
  return row;
}

find("[data-composer]").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = event.target.elements.text;
  const text = field.value.trim();
  if (text) update([{ id: Date.now().toString(36), text, done: false, urgent: false }, ...tasks]);
  field.value = "";
});

find("[data-filters]").addEventListener("click", (event) => {
  filter = event.target.dataset.filter ?? filter;
  draw();
});

find("[data-clear]").addEventListener("click", () => update(tasks.filter((task) => !task.done)));

draw();
