// Files of a first prompt. There is no project yet that could keep them: they stay in this browser, like the draft, and go
// to the server with the form. For a visitor they wait here until they have signed up.
import { $, el } from "./dom.js";
import { base64 } from "./files.js";
import { keepFiles, keptFiles } from "./kept.js";
import { tray } from "./tray.js";

/** As projects/attachments.py has it. */
const MAX_TOGETHER_BYTES = 15_000_000;
const GONE = "The files that you added are not in this browser any more. Add them again, or send the prompt without them.";
const NOT_KEPT = "This browser cannot keep files until you have signed up. Sign in first, or remove the files.";

/** Wires `form`, whose promptBox `box` is. Returns {any(), send()}. */
export function firstFiles(form, box) {
  const key = form.dataset.draft;
  const isGuest = "guest" in form.dataset;
  // Whether what is held is kept. One after the other: the last one is what stays.
  let kept = Promise.resolve(true);
  const files = () => holds.held().flatMap(({ file }) => file ?? []);
  const holds = tray(form, document.body, box.error, {
    async add(file, isPicture) {
      const together = [...files(), file].reduce((sum, { size }) => sum + size, 0);
      if (together > MAX_TOGETHER_BYTES) throw new Error(`These files have ${together.toLocaleString("en")} bytes together; at most ${MAX_TOGETHER_BYTES.toLocaleString("en")} can be sent at once.`);
      return { file, picture: isPicture ? `data:${file.type || "image/png"};base64,${await base64(file)}` : null };
    },
    changed() {
      kept = kept.then(() => keepFiles(key, files())).then(() => true, () => false);
    },
  });
  keptFiles(key).then(async (found) => {
    await holds.addAll(found);
    if (!("filesWait" in form.dataset)) return;
    // The prompt was sent before its author had signed in; its files only now can go along.
    if (found.length && holds.held().length === found.length) form.requestSubmit();
    else box.error(GONE);
  });

  return {
    any: () => holds.held().length > 0,
    /** Sends the form with the files. Throws, in words for a person, when one could not be taken or nothing keeps them. */
    async send() {
      await holds.ready();
      if (isGuest) {
        if (!(await kept)) throw new Error(NOT_KEPT);
        form.append(el("input", { type: "hidden", name: "files_wait", value: "1" }));
      } else {
        const all = new DataTransfer();
        for (const file of files()) all.items.add(file);
        $("[name=attachments]", form).files = all.files;
      }
      form.submit();
    },
  };
}
