import { content } from "./content";
import type { Post } from "./content";

export const TAGS = ["All", ...new Set(content.posts.map((post) => post.tag))];

export function find(slug: string): Post | undefined {
  return content.posts.find((post) => post.slug === slug);
}

export function storyPath(post: Post): string {
  return `/stories/${post.slug}`;
}

/** Which of the drawn covers a story has. */
export function coverOf(post: Post): number {
  return content.posts.indexOf(post);
}

export function nextAfter(post: Post): Post {
  return content.posts[(coverOf(post) + 1) % content.posts.length] ?? post;
}

/** The stories of a topic that hold the words anywhere. */
export function matching(tag: string, search: string): Post[] {
  const words = search.trim().toLowerCase();
  return content.posts
    .filter((post) => tag === "All" || post.tag === tag)
    .filter((post) => `${post.title} ${post.excerpt} ${post.body.join(" ")}`.toLowerCase().includes(words));
}
