// A project that was deleted elsewhere: said above the page, with the way to where it can be brought back.
import { banner } from "../lib/banner.js";
import { getJson } from "../lib/http.js";

/** Says that the project is not here any more, where that is so: the sentence, else "". */
export async function missing(root) {
  const status = await getJson(root.dataset.self).then(() => 200, (error) => error.status);
  if (status !== 404) return "";
  // Somebody else may be signed in by now, whose it never was: what was deleted is among their own.
  const { results } = await getJson(root.dataset.deleted).catch(() => ({ results: [] }));
  const isDeleted = results.some(({ id }) => id === root.dataset.project);
  const text = isDeleted ? "This project was deleted." : "This project is not here any more.";
  banner("missing", text, isDeleted ? { label: "Deleted projects", href: root.dataset.trash } : { label: "All projects", href: root.dataset.list });
  return text;
}
