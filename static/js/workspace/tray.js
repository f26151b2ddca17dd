// What goes along with the next message: pictures and texts that were pasted, dropped or chosen, and elements that were
// pointed at. Files are sent to the server at once and kept there until the message is.
import { $, delegate, el, icon } from "../lib/dom.js";
import { base64 } from "../lib/files.js";
import { postJson, remove } from "../lib/http.js";

const MOST = 8;
/** Larger pictures are made smaller here: models do so anyway, and only then read them. */
const MAX_SIDE = 1568;
const MAX_PIXELS_FREE = 2_400_000;

/** The picture no larger than a model looks at it; as it is when it is small, moving, or cannot be read here. */
async function fit(file) {
  if (!/^image\/(png|jpeg|webp)$/.test(file.type)) return file;
  const picture = await createImageBitmap(file).catch(() => null);
  if (!picture || (picture.width * picture.height <= MAX_PIXELS_FREE && file.size < 1_500_000)) return file;
  const scale = Math.min(1, MAX_SIDE / Math.max(picture.width, picture.height));
  const canvas = new OffscreenCanvas(Math.round(picture.width * scale), Math.round(picture.height * scale));
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  const blob = await canvas.convertToBlob({ type: file.type === "image/png" ? "image/png" : "image/jpeg", quality: 0.9 });
  return blob.size < file.size ? new File([blob], file.name, { type: blob.type }) : file;
}

export function tray(root, form, tell) {
  const list = $("#tray");
  const input = $("#attach-input");
  // {id, text, item}: a file on the server, or words to add to the message.
  let held = [];

  function hold(entry, ...inside) {
    const drop = el("button", { type: "button", class: "btn quiet sm square", title: "Remove", "aria-label": `Remove ${entry.name}` }, icon("x"));
    entry.item = el("li", { title: entry.name }, ...inside, el("span", { class: "tray-name" }, entry.name), drop);
    drop.addEventListener("click", () => {
      letGo(entry);
      if (entry.id) remove(`${root.dataset.attachments}${entry.id}/`).catch(() => {});
    });
    held.push(entry);
    list.append(entry.item);
    list.hidden = false;
    return entry;
  }
  function letGo(entry) {
    held = held.filter((other) => other !== entry);
    entry.item.remove();
    list.hidden = held.length === 0;
  }
  async function add(file) {
    if (held.length >= MOST) return tell(`At most ${MOST} files can go with a message.`);
    const entry = hold({ name: file.name || "pasted.png" }, el("span", { class: "spinner" }));
    entry.item.setAttribute("aria-busy", "true");
    entry.coming = (async () => {
      const small = await fit(file);
      const made = await postJson(root.dataset.attachments, { name: entry.name, content: await base64(small) });
      entry.id = made.id;
      entry.item.removeAttribute("aria-busy");
      $(".spinner", entry.item).replaceWith(made.kind === "image" ? el("img", { src: made.url, alt: "", width: 26, height: 26 }) : icon("file"));
    })().catch((error) => {
      letGo(entry);
      tell(`${entry.name} was not added. ${error.message}`);
    });
    return entry.coming;
  }
  const addAll = (files) => [...files].forEach(add);

  $("#attach").addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    addAll(input.files);
    input.value = "";
  });
  form.addEventListener("paste", (event) => {
    if (!event.clipboardData?.files.length) return;
    event.preventDefault();
    addAll(event.clipboardData.files);
  });
  // Dropped anywhere on the chat; what is no file is not ours.
  const pane = $("#chat-pane");
  const isFiles = (event) => event.dataTransfer?.types.includes("Files");
  delegate(root, "dragover", "#chat-pane", (event) => {
    if (!isFiles(event)) return;
    event.preventDefault();
    pane.classList.add("dropping");
  });
  pane.addEventListener("dragleave", (event) => !pane.contains(event.relatedTarget) && pane.classList.remove("dropping"));
  pane.addEventListener("drop", (event) => {
    pane.classList.remove("dropping");
    if (!isFiles(event)) return;
    event.preventDefault();
    addAll(event.dataTransfer.files);
  });

  return {
    /** Words about something, shown as a chip under `name` and added to the message. */
    mention: (name, text) => hold({ name, text }, icon("target")),
    empty: () => held.length === 0,
    /** Gives away what is held, once it is all on the server: {ids, texts, back()}; `back` holds it again. */
    async take() {
      await Promise.all(held.map((entry) => entry.coming));
      const taken = held;
      for (const entry of taken) letGo(entry);
      return {
        ids: taken.flatMap(({ id }) => id ?? []),
        texts: taken.flatMap(({ text }) => text ?? []),
        back() {
          for (const entry of taken) {
            held.push(entry);
            list.append(entry.item);
          }
          list.hidden = held.length === 0;
        },
      };
    },
  };
}
