// Every page: menus, theme, toasts, times, copy buttons.
import { banner, hide } from "./lib/banner.js";
import { $, $$, delegate } from "./lib/dom.js";
import { postForm } from "./lib/http.js";
import { keepTimes } from "./lib/time.js";
import { toast } from "./lib/toast.js";

// Menus are <details>: close them on a click elsewhere and on Escape.
document.addEventListener("click", (event) => {
  for (const menu of $$("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of $$("details.menu[open]")) {
    menu.open = false;
    $("summary", menu).focus();
  }
});
// One that has no room below opens upwards. The event does not bubble.
document.addEventListener(
  "toggle",
  ({ target: menu }) => {
    if (!menu.matches("details.menu")) return;
    menu.classList.remove("up");
    const panel = $(".menu-panel", menu);
    if (!menu.open || !panel) return;
    const { bottom, height } = panel.getBoundingClientRect();
    menu.classList.toggle("up", bottom > innerHeight && menu.getBoundingClientRect().top > height);
  },
  { capture: true },
);
// A click inside a frame never reaches us; the window losing focus to it does.
addEventListener("blur", () => {
  if (document.activeElement?.tagName === "IFRAME") for (const menu of $$("details.menu[open]")) menu.open = false;
});

delegate(document, "submit", "[data-theme-form]", async (event, form) => {
  const theme = event.submitter?.value;
  if (!theme) return;
  event.preventDefault();
  document.documentElement.dataset.theme = theme;
  for (const button of $$("[data-theme-form] button")) button.setAttribute("aria-pressed", button.value === theme);
  try {
    await postForm(form.action, { theme });
  } catch (error) {
    toast(`The theme was not saved. ${error.message}`, { error: true });
  }
});
// Settings show the theme at once; the form saves it.
delegate(document, "change", "[data-theme-choice] input", (_event, input) => {
  document.documentElement.dataset.theme = input.value;
});

// What a passkey or a security key did not do: no key, not this person, or the browser's question was closed.
document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  toast("The passkey was not used. Try again, or go another way.", { error: true });
});

delegate(document, "click", "[data-dismiss]", (_event, button) => button.closest(".toast").remove());
for (const box of $$(".toast:not(.error)")) setTimeout(() => box.remove(), 6_000);

delegate(document, "click", "[data-copy]", async (_event, button) => {
  const source = $(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.textContent.trim());
    toast("Copied.");
  } catch {
    getSelection().selectAllChildren(source);
    toast("Press Ctrl+C to copy what is selected.");
  }
});

addEventListener("offline", () => banner("offline", "There is no connection. What you typed is kept, and runs go on without you."));
addEventListener("online", () => hide("offline"));

// On a phone the settings' tabs are one line that moves.
$(".settings-nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

keepTimes();
