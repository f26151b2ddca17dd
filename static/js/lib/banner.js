// A line above the page for what concerns all of it: no connection, signed out. One of a kind at a time.
import { $, el, icon } from "./dom.js";

/** Shows `text` with an optional link {label, href}; `hide(kind)` takes it away. */
export function banner(kind, text, link) {
  hide(kind);
  const box = el("div", { class: "banner", role: "alert", "data-banner": kind }, icon("alert"), el("span", {}, text));
  if (link) box.append(el("a", { href: link.href }, link.label));
  document.body.prepend(box);
}

export const hide = (kind) => $(`[data-banner="${kind}"]`)?.remove();

/** The session is over. What was typed stays in its field, and in the draft that the page keeps. */
export function signedOut() {
  const next = encodeURIComponent(location.pathname + location.search);
  banner("signed-out", "You are signed out. What you typed is kept.", { label: "Sign in again", href: `/accounts/login/?next=${next}` });
}
