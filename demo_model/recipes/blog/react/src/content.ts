// Every word on the page lives here.
export const content = {
  name: «name»,
  headline: "Worth the time it takes.",
  lede: «blogLede»,
  action: { label: "All stories", href: "#stories" },
  nav: [] as { label: string; href: string }[],
  posts: «copy.posts»,
  footer: "Sample stories: make them yours.",
  glyph: «copy.glyph»,
};

export type Post = (typeof content.posts)[number];
