// Every word on the page lives here.
export const content = {
  name: «name»,
  title: «title»,
  headline: "What is moving",
  lede: "Drag a card, or focus it and press the arrow keys. The board stays in this browser.",
  action: { label: "New card", href: "#new-card" },
  nav: [] as { label: string; href: string }[],
  lanes: ["Ideas", "Next", "Doing", "Done"],
  labels: «labels»,
  cards: «copy.tasks»,
  people: «copy.team».map((person) => person.who),
  footer: "Saved in this browser.",
  glyph: "M4 4.500h4.500v15H4zM10 4.500h4.500v9H10zM16 4.500h4v12h-4z",
};
