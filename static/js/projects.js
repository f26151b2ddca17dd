// Projects: search and sort without a reload, favourites, rename in place, delete with undo.
import "./home.js";
import { $, $$, delegate } from "./lib/dom.js";
import { getPage, postForm } from "./lib/http.js";
import { keepTimes } from "./lib/time.js";
import { toast } from "./lib/toast.js";

const filters = $("#filters");
let latest = 0;
let timer;

/** Fetches the same page with the chosen filters and takes over its list. */
async function refresh() {
  const mine = ++latest;
  const url = `${location.pathname}?${new URLSearchParams(new FormData(filters))}`;
  // A quick answer needs no sign of waiting.
  const waiting = setTimeout(() => $("#projects").setAttribute("aria-busy", "true"), 200);
  try {
    const found = $("#projects", await getPage(url));
    // A slower, older answer must not replace a newer one.
    if (mine !== latest) return;
    $("#projects").replaceWith(found);
    const count = $$(".project:not(.entry)", found).length;
    $("#announce").textContent = `${count || "No"} project${count === 1 ? "" : "s"} shown.`;
  } catch (error) {
    if (mine !== latest) return;
    $("#projects").removeAttribute("aria-busy");
    return toast(error.message, { error: true });
  } finally {
    clearTimeout(waiting);
  }
  clearInterval(timer);
  timer = keepTimes($("#projects"));
  history.replaceState(null, "", url);
}

let typing;
filters?.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(refresh, 180);
});
filters?.addEventListener("submit", (event) => {
  event.preventDefault();
  refresh();
});

delegate(document, "submit", "[data-rename]", async (event, form) => {
  event.preventDefault();
  const name = $("[name=name]", form).value.trim();
  try {
    await postForm(form.action, { name });
    $("h2 a", form.closest(".project")).textContent = name;
    form.closest("details").open = false;
  } catch (error) {
    toast(error.message, { error: true });
  }
});

delegate(document, "submit", "[data-favourite]", async (event, form) => {
  event.preventDefault();
  const button = $("button", form);
  try {
    await postForm(form.action, { on: button.value });
    await refresh();
    $(`[data-project="${form.closest(".project").dataset.project}"] .star`)?.focus();
  } catch (error) {
    toast(error.message, { error: true });
  }
});

delegate(document, "submit", "[data-delete]", async (event, form) => {
  event.preventDefault();
  const card = form.closest(".project");
  try {
    await postForm(form.action, {});
  } catch (error) {
    toast(error.message, { error: true });
    return;
  }
  const undo = async () => {
    await postForm(form.dataset.undo, {});
    refresh();
  };
  card.remove();
  if (!$(".project")) refresh();
  toast(`“${form.dataset.delete}” was deleted.`, { action: { label: "Undo", run: undo } });
});
