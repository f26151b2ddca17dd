import { useSyncExternalStore } from "react";
import type { Store } from "./store";

/** The value of a store, for as long as the component is shown. */
export function useStore<T>(store: Store<T>): T {
  return useSyncExternalStore(store.subscribe, store.get, () => store.first);
}
