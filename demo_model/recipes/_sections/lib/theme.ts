import { kept } from "./store";

/** "light" or "dark", as the visitor chose in this browser; "" follows the system. */
export const theme = kept("theme", "");

/** From dark to light or back. */
export function turn() {
  const dark = theme.get() ? theme.get() === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  theme.set(dark ? "light" : "dark");
}

if (typeof document !== "undefined") {
  theme.subscribe((choice) => {
    if (choice) document.documentElement.dataset.theme = choice;
  });
}
