import { content } from "./content";
import type { Item } from "./content";

export const TAGS = ["All", ...new Set(content.works.map((work) => work.tag))];

export function find(slug: string): Item | undefined {
  return content.works.find((work) => work.slug === slug);
}

export function workPath(work: Item): string {
  return `/work/${work.slug}`;
}

/** Which of the drawn pictures a work has. */
export function artOf(work: Item): number {
  return content.works.indexOf(work);
}

export function nextAfter(work: Item): Item {
  return content.works[(artOf(work) + 1) % content.works.length] ?? work;
}
