import { onScopeDispose, shallowRef } from "vue";
import type { ShallowRef } from "vue";
import type { Store } from "./store";

/** The value of a store, for as long as the component is shown. */
export function useStore<T>(store: Store<T>): Readonly<ShallowRef<T>> {
  const value = shallowRef(store.get()) as ShallowRef<T>;
  onScopeDispose(store.subscribe((next) => (value.value = next)));
  return value;
}
