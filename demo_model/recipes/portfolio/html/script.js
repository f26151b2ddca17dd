// Filters the projects and shows one in a dialog.
const find = (selector, from = document) => from.querySelector(selector);
const items = [...document.querySelectorAll("[data-tag]")];
const dialog = find("[data-dialog]");
let shown = 0;

function filter(tag) {
  for (const item of items) item.hidden = tag !== "All" && item.dataset.tag !== tag;
  for (const button of find("[data-tags]").children) button.setAttribute("aria-pressed", String(button.textContent === tag));
}

function show(index) {
  shown = (index + items.length) % items.length;
  const item = items[shown];
  find("[data-art]").setAttribute("href", `#art-${(shown % 6) + 1}`);
  find("[data-meta]").textContent = find(".small", item).textContent;
  find("[data-title]").textContent = find(".work-title", item).textContent;
  find("[data-text]").textContent = find(".work-text", item).textContent;
  if (!dialog.open) dialog.showModal();
}

for (const tag of ["All", ...new Set(items.map((item) => item.dataset.tag))]) {
  const button = document.createElement("button");
  button.className = "chip";
  button.type = "button";
  button.textContent = tag;
  button.addEventListener("click", () => filter(tag));
  find("[data-tags]").append(button);
}

for (const button of document.querySelectorAll("[data-open]")) {
  button.addEventListener("click", () => show(Number(button.dataset.open) - 1));
}

for (const button of document.querySelectorAll("[data-step]")) {
  button.addEventListener("click", () => show(shown + Number(button.dataset.step)));
}

find("[data-close]").addEventListener("click", () => dialog.close());

filter("All");
