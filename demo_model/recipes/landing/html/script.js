// The offers a visitor saves are kept in this browser and listed beside the form.
const KEY = "shortlist";
const list = document.querySelector("[data-saved]");
const text = document.querySelector("[data-saved-text]");
const form = document.querySelector("[data-enquiry]");
const empty = text.textContent;

function stored() {
  try {
    const value = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
  } catch {
    return [];
  }
}

let saved = stored();

function toggle(title) {
  saved = saved.includes(title) ? saved.filter((item) => item !== title) : [...saved, title];
  try {
    localStorage.setItem(KEY, JSON.stringify(saved));
  } catch {
    // Storage can be full or switched off; the list then lasts as long as the page.
  }
  draw();
}

function draw() {
  for (const button of document.querySelectorAll("[data-save]")) {
    const on = saved.includes(button.dataset.save);
    button.setAttribute("aria-pressed", String(on));
    button.textContent = on ? "Saved" : "Save";
  }
  text.textContent = saved.length ? "You saved these. We will tell you more about each:" : empty;
  list.replaceChildren(...saved.map(savedItem));
}

function savedItem(title) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  button.className = "chip";
  button.type = "button";
  button.textContent = `${title} ×`;
  button.setAttribute("aria-label", `Remove ${title}`);
  button.addEventListener("click", () => toggle(title));
  item.append(button);
  return item;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-save]");
  if (button) toggle(button.dataset.save);
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const data = new FormData(form);
  const lines = [data.get("message"), "", ...saved.map((title) => `• ${title}`), "", data.get("name")];
  location.href = `mailto:hello@example.com?subject=Enquiry&body=${encodeURIComponent(lines.join("\n"))}`;
  form.querySelector("[data-status]").textContent = "Your e-mail program has the draft. Send it when you are ready.";
});

draw();
