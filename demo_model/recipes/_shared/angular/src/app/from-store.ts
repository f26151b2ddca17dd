import { DestroyRef, inject, signal } from "@angular/core";
import type { Signal } from "@angular/core";
import type { Store } from "./store";

/** The value of a store as a signal, for as long as the component is shown. */
export function fromStore<T>(store: Store<T>): Signal<T> {
  const value = signal(store.get());
  inject(DestroyRef).onDestroy(store.subscribe((next) => value.set(next)));
  return value.asReadonly();
}
