// What goes along with a prompt: pictures and texts that were pasted, dropped or chosen, and what else is mentioned.
import { $, el, icon } from "./dom.js";
import { check } from "./files.js";

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

/**
 * Wires the form's button, and `place`, where files may be dropped. `tell(text)` hears why a file was not added.
 * `add(file, isPicture)` takes a file to where it is kept: a promise of {picture, …}, the address of its thumbnail, and what
 * is to be known of it; `drop(entry)` hears that it was removed, `changed()` that what is held is another.
 */
export function tray(form, place, tell, { add, drop = () => {}, changed = () => {} }) {
  const list = $("#tray");
  const input = $("#attach-input");
  const button = $("#attach");
  // {name, item} and what `add` said, or words to add to the message: {text}.
  let held = [];
  // Given away, and neither arrived nor back.
  let away = [];

  const face = ({ text, picture }) => (text ? icon("target") : picture ? el("img", { src: picture, alt: "", width: 26, height: 26 }) : icon("file"));

  function hold(entry, ...inside) {
    const away = el("button", { type: "button", class: "btn quiet sm square", title: "Remove", "aria-label": `Remove ${entry.name}` }, icon("x"));
    entry.item = el("li", { title: entry.name }, ...inside, el("span", { class: "tray-name" }, entry.name), away);
    away.addEventListener("click", () => {
      const beside = entry.item.nextElementSibling ?? entry.item.previousElementSibling;
      letGo(entry);
      drop(entry);
      settled();
      // Or the keyboard would begin again at the top of the page.
      (beside ? $("button", beside) : button).focus();
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
  const busy = () => held.some((entry) => entry.item.ariaBusy);
  /** Nothing is told while files are on their way: what is half there would be taken for all. */
  function settled() {
    if (!busy()) changed();
  }
  async function bring(file) {
    if (held.length >= MOST) return tell(`At most ${MOST} files can go with a message.`);
    const entry = hold({ name: file.name || "pasted.png" }, el("span", { class: "spinner" }));
    entry.item.ariaBusy = "true";
    entry.coming = (async () => {
      const small = await fit(file);
      Object.assign(entry, await add(small, await check(entry.name, small)));
      $(".spinner", entry.item).replaceWith(face(entry));
    })()
      .catch((error) => {
        if (!held.includes(entry)) return; // removed meanwhile
        letGo(entry);
        entry.problem = `${entry.name} was not added. ${error.message}`;
        tell(entry.problem);
      })
      .finally(() => {
        entry.item.ariaBusy = null;
        settled();
      });
    return entry.coming;
  }
  const addAll = (files) => Promise.all([...files].map(bring));
  /** These entries, each there or known not to come. */
  async function arrived(entries) {
    const all = [...entries];
    await Promise.all(all.map((entry) => entry.coming));
    return all;
  }
  function demand(entries) {
    const lost = entries.find((entry) => entry.problem);
    if (lost) throw new Error(`${lost.problem} Nothing was sent: add it again, or send the words without it.`);
  }

  button.addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    addAll(input.files);
    input.value = "";
  });
  form.addEventListener("paste", (event) => {
    if (!event.clipboardData?.files.length) return;
    event.preventDefault();
    addAll(event.clipboardData.files);
  });
  // What is no file is not ours.
  const isFiles = (event) => event.dataTransfer?.types.includes("Files");
  place.addEventListener("dragover", (event) => {
    if (!isFiles(event)) return;
    event.preventDefault();
    place.classList.add("dropping");
  });
  place.addEventListener("dragleave", (event) => !place.contains(event.relatedTarget) && place.classList.remove("dropping"));
  place.addEventListener("drop", (event) => {
    place.classList.remove("dropping");
    if (!isFiles(event)) return;
    event.preventDefault();
    addAll(event.dataTransfer.files);
  });

  return {
    addAll,
    /** Holds again what is where it is kept already: {name, picture | text, …} each. */
    restore: (entries) => entries.forEach((one) => hold(one, face(one))),
    /** Words about something, shown as a chip under `name` and added to the message. */
    mention(name, text) {
      const entry = { name, text };
      hold(entry, face(entry));
      settled();
    },
    held: () => held,
    busy,
    /** What is held, once all of it is there. Throws, in words for a person, when one of it did not come. */
    async ready() {
      demand(await arrived(held));
      return held;
    },
    away: () => away,
    /**
     * Gives away what is held now, once it is all there: {entries, demand(), done(), back()}. `demand` throws like `ready`; then
     * they are `done` with, or come `back` and are held again; until then they are `away`.
     */
    async take() {
      const wanted = held.filter((entry) => !entry.taken);
      for (const entry of wanted) entry.taken = true;
      await arrived(held);
      // Not what was removed meanwhile.
      const taken = wanted.filter((entry) => held.includes(entry));
      for (const entry of taken) letGo(entry);
      away.push(...taken);
      settled();
      const home = () => (away = away.filter((entry) => !taken.includes(entry)));
      return {
        entries: taken,
        demand: () => demand(wanted),
        done() {
          home();
          settled();
        },
        back() {
          home();
          for (const entry of taken) {
            entry.taken = false;
            held.push(entry);
            list.append(entry.item);
          }
          list.hidden = held.length === 0;
          settled();
        },
      };
    },
  };
}
