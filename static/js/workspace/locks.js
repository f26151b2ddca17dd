// Files the agent may not change: read like .gitignore's patterns, toggled file by file in the code view.
import { $ } from "../lib/dom.js";
import { patchJson } from "../lib/http.js";
import { toast } from "../lib/toast.js";

/** A pattern as a regular expression over whole paths: `*` within a part, `**` over parts, a folder covers what is in it. */
function expression(pattern) {
  const parts = pattern.split("/").filter(Boolean);
  if (parts.length === 1 && !pattern.startsWith("/")) parts.unshift("**");
  const source = parts.map((part) => (part === "**" ? "(?:[^/]+/)*" : `${part.replace(/[.+^${}()|\\]/g, "\\$&").replaceAll("*", "[^/]*").replaceAll("?", "[^/]")}/`)).join("");
  return new RegExp(`^${source}`);
}

export function locks(root, changed) {
  let patterns = JSON.parse($("#locked").textContent);
  let made = [];
  const compile = () => (made = patterns.map((pattern) => [pattern, expression(pattern)]));
  compile();
  const by = (path) => made.find(([, regex]) => regex.test(`${path}/`))?.[0];
  const set = (list) => {
    patterns = list;
    compile();
    changed();
  };
  return {
    by,
    set,
    /** Locks one file, or takes its lock away. */
    async toggle(path) {
      const pattern = by(path);
      const own = `/${path}`;
      if (pattern && pattern !== own) return toast(`${path} is locked by the pattern ${pattern}. Change it under Context.`);
      const list = pattern ? patterns.filter((other) => other !== own) : [...patterns, own];
      try {
        set((await patchJson(root.dataset.self, { locked: list })).locked);
        toast(pattern ? `The agent may change ${path} again.` : `The agent will not change ${path}.`);
      } catch (error) {
        toast(error.message, { error: true });
      }
    },
  };
}
