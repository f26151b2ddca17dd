/** A value that several components share. */
export type Store<T> = {
  first: T;
  get: () => T;
  set: (next: T) => void;
  subscribe: (told: (value: T) => void) => () => void;
};

/** A store that lasts as long as the page is open. */
export function shared<T>(first: T): Store<T> {
  let value = first;
  const listeners = new Set<(value: T) => void>();

  return {
    first,
    get: () => value,
    set: (next) => {
      value = next;
      for (const told of listeners) told(next);
    },
    subscribe: (told) => {
      listeners.add(told);
      told(value);
      return () => listeners.delete(told);
    },
  };
}

/** A store that this browser keeps. What it kept comes a moment after the first value, so that server pages fit. */
export function kept<T>(key: string, first: T): Store<T> {
  const store = shared(first);
  let asked = false;

  function load() {
    try {
      const value: unknown = JSON.parse(localStorage.getItem(key) ?? "null");
      if (value !== null && Array.isArray(value) === Array.isArray(first)) store.set(value as T);
    } catch {
      // Storage can be switched off or hold something else; the first value then stays.
    }
  }

  return {
    ...store,
    set: (next) => {
      store.set(next);
      try {
        localStorage.setItem(key, JSON.stringify(next));
      } catch {
        // Storage can be full or switched off; the value then lasts as long as the page.
      }
    },
    subscribe: (told) => {
      if (!asked && typeof window !== "undefined") {
        asked = true;
        setTimeout(load);
      }
      return store.subscribe(told);
    },
  };
}
