// The app's site: put online, looked after and taken offline in the menu of the bar.
import { ask } from "../lib/dialog.js";
import { $, el } from "../lib/dom.js";
import { getJson, postJson, remove } from "../lib/http.js";
import { ago } from "../lib/time.js";
import { toast } from "../lib/toast.js";

const BUSY = new Set(["asked", "building"]);

export function site(root, composer) {
  const menu = $("#share-menu");
  const box = $("#site-box");
  if (!box) return { set() {}, saved() {} }; // this Vibe puts nothing online
  const address = root.dataset.site;
  const domain = root.dataset.sites;
  let now = null;
  // How many events came: an answer that was asked for before the newest says what was.
  let told = 0;

  /** Asks the server, once at a time, and shows how it then stands. `refused` shows why it does not. */
  async function work(ask, refused = (text) => toast(text, { error: true })) {
    if (box.hasAttribute("aria-busy")) return;
    box.setAttribute("aria-busy", "true");
    const before = told;
    try {
      const answer = await ask();
      if (told === before) now = answer;
      paint();
    } catch (error) {
      refused(error.message);
    }
    box.removeAttribute("aria-busy");
  }
  const put = (name, refused) => work(() => postJson(address, name ? { name } : {}), refused);
  const button = (kind, text, run) => el("button", { type: "button", class: `btn sm ${kind}`, onclick: run }, text);
  const words = (text) => el("p", { class: "muted small" }, text);

  async function takeOffline() {
    const text = `${new URL(now.url ?? address, location).host} shows nothing any more, and somebody else may take its name.`;
    const sure = await ask({ title: "Take it offline?", text, action: "Take it offline", danger: true });
    menu.open = true; // the question was beside it
    if (!sure) return;
    work(async () => {
      await remove(address);
      toast("Taken offline.");
      return getJson(address);
    });
  }

  /** The form in which it gets its name. */
  function naming(action) {
    const name = el("input", { class: "input sm", id: "site-name", value: now.name, maxlength: 40, required: true, spellcheck: "false", autocapitalize: "none", autocomplete: "off", "aria-describedby": "site-domain site-wrong" });
    const wrong = el("p", { class: "bad small", id: "site-wrong", role: "alert" });
    const form = el("form", { class: "site-form" }, el("label", { for: "site-name" }, "Address"), el("div", { class: "site-name" }, name, el("span", { class: "muted small", id: "site-domain" }, `.${domain}`)), wrong, el("button", { class: "btn primary" }, action));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      put(name.value.trim(), (text) => {
        wrong.textContent = text;
        name.setAttribute("aria-invalid", "true");
        name.focus();
      });
    });
    return form;
  }

  function online() {
    const field = el("input", { class: "input sm", id: "site-url", readonly: true, value: now.url, "aria-label": "Address of the app" });
    const copy = button("", "Copy", async () => {
      field.select();
      await navigator.clipboard?.writeText(now.url).then(() => toast("Copied."), () => toast("Press Ctrl+C to copy the address."));
    });
    const link = el("a", { class: "btn sm", href: now.url, target: "_blank", rel: "noopener" }, "Visit");
    return [el("div", { class: "row share-row" }, field, copy), el("div", { class: "row" }, link, button("danger", "Take offline", takeOffline))];
  }

  function failed() {
    const fix = () => {
      menu.open = false;
      composer.fill(`Putting the app online failed. Find out why and mend it.\n\n${now.detail}`);
    };
    return el("div", { class: "site-failed", role: "alert" }, el("strong", {}, `Version ${now.wants} did not go online.`), el("pre", { class: "site-detail", tabindex: 0 }, now.detail), el("div", { class: "row" }, button("", "Ask the agent to fix it", fix)));
  }

  function paint() {
    // What is being typed stays.
    if (!now || (now.state === "none" && $("#site-name")?.contains(document.activeElement))) return;
    const newest = Number(root.dataset.version || 0);
    const parts = [];
    if (now.state === "failed") parts.push(failed());
    if (now.url) parts.push(...online(), words(`Version ${now.version}, put online ${ago(now.published)}.${newest > now.version ? "" : " It is the newest."}`));
    if (BUSY.has(now.state)) {
      parts.push(el("p", { class: "site-busy", role: "status" }, el("span", { class: "spinner" }), `Building version ${now.wants}. This takes up to a minute or two.`));
    } else if (!newest) {
      parts.push(words("There is nothing to put online yet. Build something first."));
    } else if (!now.url) {
      parts.push(naming(now.state === "failed" ? "Try again" : `Put version ${newest} online`));
    } else if (newest > now.version) {
      const again = now.state === "failed" && now.wants === newest;
      parts.push(button("primary", again ? `Try version ${newest} again` : `Put version ${newest} online`, () => put()));
    }
    if (now.state === "online" && now.detail) parts.push(el("details", { class: "small" }, el("summary", {}, "What was noticed"), el("pre", { class: "site-detail", tabindex: 0 }, now.detail)));
    box.replaceChildren(...parts);
  }

  menu.addEventListener("toggle", () => menu.open && work(() => getJson(address)));
  return {
    /** An event says how it stands. */
    set(data) {
      const was = now?.state;
      told += 1;
      now = data;
      paint();
      // Before the first look at the menu nothing is known of what an event ends.
      if (menu.open || (was && !BUSY.has(was))) return;
      if (data.state === "online") toast(`Version ${data.version} is online.`, { action: { label: "Visit", run: () => open(data.url, "_blank", "noopener") } });
      if (data.state === "failed") toast("It did not go online.", { error: true, action: { label: "See why", run: () => (menu.open = true) } });
    },
    /** There is a newer version. */
    saved: () => menu.open && paint(),
  };
}
