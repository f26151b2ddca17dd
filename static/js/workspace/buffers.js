// What was typed and is not saved yet: one buffer per file, and a guard against leaving with any of them.

/** `changed` is called when the set of unsaved paths changes. */
export function buffers(changed) {
  // path → {base: the text it was opened with, null for a file that is not there any more; text: as it is now}
  const open = new Map();

  addEventListener("beforeunload", (event) => {
    if (open.size) event.preventDefault();
  });
  return {
    get: (path) => open.get(path),
    has: (path) => open.has(path),
    paths: () => [...open.keys()],
    /** The text as it is now; one that equals its base is not unsaved. */
    set(path, base, text) {
      const was = open.has(path);
      if (text === base) open.delete(path);
      else open.set(path, { base, text });
      if (was !== open.has(path)) changed();
    },
    drop(path) {
      if (open.delete(path)) changed();
    },
    move(path, to) {
      const buffer = open.get(path);
      if (!buffer) return;
      open.delete(path);
      open.set(to, buffer);
      changed();
    },
  };
}
