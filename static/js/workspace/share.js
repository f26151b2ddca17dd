// The share link: made, copied and withdrawn in the menu of the bar.
import { $, el } from "../lib/dom.js";
import { getJson, patchJson, postJson, remove } from "../lib/http.js";
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
  const withdraw = () =>
    work(async () => {
      await remove(address);
      toast("Withdrawn. The app moves to another address, so that the old one shows nothing either.");
      return null;
    });
  function paint(answer) {
    const url = answer?.url;
    if (!url) {
      const make = el("button", { type: "button", class: "btn", onclick: () => work(() => postJson(address)) }, "Make a link");
      box.replaceChildren(make);
      return;
    }
    const field = el("input", { class: "input sm", id: "share-url", readonly: true, value: url, "aria-label": "Share link" });
    const copy = el("button", { type: "button", class: "btn sm primary" }, "Copy");
    copy.addEventListener("click", async () => {
      field.select();
      await navigator.clipboard?.writeText(url).then(() => toast("Copied."), () => toast("Press Ctrl+C to copy the link."));
    });
    const end = el("button", { type: "button", class: "btn sm danger", onclick: withdraw }, "Withdraw the link");
    const show = el("input", { type: "checkbox", id: "share-replay", checked: answer.replay, "aria-describedby": "share-shows" });
    show.addEventListener("change", async () => {
      try {
        await patchJson(address, { replay: show.checked });
      } catch (error) {
        show.checked = !show.checked;
        toast(error.message, { error: true });
      }
    });
    const also = el("div", {}, el("label", { class: "check" }, show, "Show how it was made"), el("p", { class: "muted small", id: "share-shows" }, "Others can then watch the newest run again: what you asked, what the agent said, names of files, and which checks passed. No commands or their output, no code of files, no costs, not your address; what looks like a key is taken out."));
    box.replaceChildren(el("div", { class: "row share-row" }, field, copy), el("div", { class: "row" }, el("a", { class: "btn sm", href: url, target: "_blank", rel: "noopener" }, "Look at it"), end), also);
  }
  menu.addEventListener("toggle", () => menu.open && !box.childElementCount && work(() => getJson(address)));
}
