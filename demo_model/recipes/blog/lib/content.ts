// Every word on the page lives here.
export const content = {
  name: «name»,
  title: «title»,
  headline: "Worth the time it takes.",
  lede: «blogLede»,
  nav: [
    { label: "Stories", to: "/" },
    { label: "About", to: "/about" },
  ],
  posts: «posts»,
  aboutTitle: "Why we write",
  about: [
    «copy.story»,
    "We publish when something is finished, not when it is Tuesday. Every piece is read aloud once before it goes out, and shortened once after.",
    "Corrections are made in the open, with thanks to whoever found the mistake.",
  ],
  footer: "Sample stories: make them yours.",
  glyph: «copy.glyph»,
};

export type Post = (typeof content.posts)[number];
