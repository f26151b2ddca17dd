import { shared } from "./store";

/** The address after the #, such as /stories/a-title: each page of the app has its own. */
export const route = shared(read());

function read(): string {
  return location.hash.startsWith("#/") ? location.hash.slice(1) : "/";
}

addEventListener("hashchange", () => {
  const next = read();
  if (next === route.get()) return;
  route.set(next);
  scrollTo({ top: 0, behavior: "instant" });
});
