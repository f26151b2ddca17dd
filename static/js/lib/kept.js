// Files that stay in this browser until they are sent. IndexedDB, which may be missing or full.
const open = () =>
  new Promise((resolve, reject) => {
    const asked = indexedDB.open("vibe", 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore("files");
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });

async function transact(mode, work) {
  const database = await open();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction("files", mode);
      const request = work(transaction.objectStore("files"));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}

/** Keeps these files in the place of those before: all of them, or it rejects. */
export const keepFiles = (key, files) => transact("readwrite", (store) => (files.length ? store.put(files, key) : store.delete(key)));
/** The files that are kept; none where nothing can be kept. */
export const keptFiles = (key) => transact("readonly", (store) => store.get(key)).then((found) => found ?? [], () => []);
