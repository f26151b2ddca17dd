// Filters the list, and shows the story whose name is in the address.
const find = (selector) => document.querySelector(selector);
const items = [...document.querySelectorAll("[data-story]")];
const articles = [...document.querySelectorAll("[data-article]")];
let tag = "All";

function filter() {
  const wanted = find("[data-search]").value.trim().toLowerCase();
  for (const item of items) {
    const whole = `${item.textContent} ${find(`#${item.dataset.story}`).textContent}`.toLowerCase();
    item.hidden = (tag !== "All" && item.dataset.tag !== tag) || !whole.includes(wanted);
  }
  find("[data-list]").classList.toggle("filtered", tag !== "All" || wanted !== "");
  find("[data-nothing]").hidden = items.some((item) => !item.hidden);
  for (const button of find("[data-tags]").children) button.setAttribute("aria-pressed", String(button.textContent === tag));
}

function route() {
  const open = articles.find((article) => `#${article.id}` === location.hash);
  find("[data-list]").hidden = Boolean(open);
  for (const article of articles) article.hidden = article !== open;
  if (open) scrollTo({ top: 0, behavior: "instant" });
}

for (const name of ["All", ...new Set(items.map((item) => item.dataset.tag))]) {
  const button = document.createElement("button");
  button.className = "chip";
  button.type = "button";
  button.textContent = name;
  button.addEventListener("click", () => {
    tag = name;
    filter();
  });
  find("[data-tags]").append(button);
}

find("[data-search]").addEventListener("input", filter);
addEventListener("hashchange", route);
filter();
route();
