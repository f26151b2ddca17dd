// The size the app is seen in: phone, tablet, full width, or one of one's own, with handles and a turn.
import { $, $$, delegate } from "../lib/dom.js";
import { recall, remember } from "../lib/store.js";

const SIZES = { phone: [390, 844], tablet: [820, 1180] };
const MIN = 240;
const MAX = 2400;
const STEP = 20;

export function device(root, panel) {
  const box = $(".device", panel);
  const width = $("#device-width");
  const height = $("#device-height");
  let name = "desktop";
  let size = null;

  const clamp = (value) => Math.round(Math.min(MAX, Math.max(MIN, value || MIN)));

  /** Shows the size; null is all there is. */
  function apply(wanted) {
    size = wanted && wanted.map(clamp);
    panel.dataset.device = name;
    panel.toggleAttribute("data-sized", Boolean(size));
    for (const button of $$("button[data-device]", root)) button.setAttribute("aria-pressed", button.dataset.device === name);
    $("#device-size").hidden = !size;
    if (size) {
      box.style.setProperty("--w", `${size[0]}px`);
      box.style.setProperty("--h", `${size[1]}px`);
      [width.value, height.value] = size;
    }
    remember("device", name);
    remember("device-size", name === "custom" ? size.join("x") : null);
  }
  function choose(wanted) {
    name = wanted;
    apply(SIZES[wanted] ?? null);
  }
  function custom(w, h) {
    name = "custom";
    apply([w, h]);
  }
  delegate(root, "click", "button[data-device]", (_event, button) => choose(button.dataset.device));
  for (const field of [width, height]) field.addEventListener("change", () => custom(Number(width.value), Number(height.value)));
  $("#device-turn").addEventListener("click", () => size && custom(size[1], size[0]));

  for (const handle of $$("[data-handle]", panel)) {
    const [dx, dy] = { x: [1, 0], y: [0, 1], xy: [1, 1] }[handle.dataset.handle];
    handle.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      handle.setPointerCapture(event.pointerId);
      panel.classList.add("dragging");
      const from = [event.clientX, event.clientY, box.offsetWidth, box.offsetHeight];
      // The frame is centred: it grows on both sides of where it is held.
      const move = (moved) => custom(from[2] + dx * 2 * (moved.clientX - from[0]), from[3] + dy * (moved.clientY - from[1]));
      const end = () => {
        panel.classList.remove("dragging");
        handle.removeEventListener("pointermove", move);
      };
      handle.addEventListener("pointermove", move);
      handle.addEventListener("lostpointercapture", end, { once: true });
    });
    handle.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] }[event.key];
      if (!step || !size) return;
      event.preventDefault();
      custom(size[0] + dx * step[0], size[1] + dy * step[1]);
    });
  }

  const kept = recall("device") ?? "desktop";
  const own = recall("device-size")?.split("x").map(Number);
  if (kept === "custom" && own?.length === 2) custom(...own);
  else choose(kept in SIZES ? kept : "desktop");
}
