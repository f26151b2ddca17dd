import { useEffect, useState } from "react";

const KEY = "shortlist";

function stored(): string[] {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
  } catch {
    return [];
  }
}

/** The offers a visitor has saved, kept in this browser. */
export function useShortlist() {
  const [titles, setTitles] = useState(stored);

  useEffect(() => {
    try {
      localStorage.setItem(KEY, JSON.stringify(titles));
    } catch {
      // Storage can be full or switched off; the list then lasts as long as the page.
    }
  }, [titles]);

  function toggle(title: string) {
    setTitles((now) => (now.includes(title) ? now.filter((item) => item !== title) : [...now, title]));
  }

  return { titles, toggle };
}

export type Shortlist = ReturnType<typeof useShortlist>;
