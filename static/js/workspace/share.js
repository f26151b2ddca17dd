// The share link: made, copied and withdrawn in the menu of the bar.
import { $, el } from "../lib/dom.js";
import { getJson, postJson, remove } from "../lib/http.js";
import { toast } from "../lib/toast.js";

export function share(root) {
  const menu = $("#share-menu");
  const box = $("#share-box");
  const address = root.dataset.share;

  async function work(ask) {
    box.setAttribute("aria-busy", "true");
    try {
      paint(await ask());
    } catch (error) {
      toast(error.message, { error: true });
    }
    box.removeAttribute("aria-busy");
  }
  function paint(answer) {
    const url = answer?.url;
    if (!url) {
      const make = el("button", { type: "button", class: "btn primary", onclick: () => work(() => postJson(address)) }, "Make a link");
      box.replaceChildren(make);
      return;
    }
    const field = el("input", { class: "input sm", id: "share-url", readonly: true, value: url, "aria-label": "Share link" });
    const copy = el("button", { type: "button", class: "btn sm primary" }, "Copy");
    copy.addEventListener("click", async () => {
      field.select();
      await navigator.clipboard?.writeText(url).then(() => toast("Copied."), () => toast("Press Ctrl+C to copy the link."));
    });
    const end = el("button", { type: "button", class: "btn sm danger", onclick: () => work(async () => (await remove(address), null)) }, "Withdraw the link");
    box.replaceChildren(el("div", { class: "row share-row" }, field, copy), el("div", { class: "row" }, el("a", { class: "btn sm", href: url, target: "_blank", rel: "noopener" }, "Look at it"), end));
  }
  menu.addEventListener("toggle", () => menu.open && !box.childElementCount && work(() => getJson(address)));
}
