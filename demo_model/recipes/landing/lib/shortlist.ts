import { kept } from "./store";

/** The titles of the offers a visitor has saved, in this browser. */
export const shortlist = kept<string[]>("shortlist", []);

export function toggle(title: string) {
  const titles = shortlist.get();
  shortlist.set(titles.includes(title) ? titles.filter((item) => item !== title) : [...titles, title]);
}
