// Every word on the page lives here; the figures are in data.ts.
export const content = {
  name: «name»,
  title: «title»,
  headline: "How it is going",
  lede: "A sample year. Put your own figures into data.ts.",
  action: { label: "Latest entries", href: "#entries" },
  nav: [
    { label: "Trend", href: "#trend" },
    { label: "Shares", href: "#shares" },
    { label: "Entries", href: "#entries" },
  ],
  currency: «copy.metrics.unit»,
  total: «copy.metrics.total»,
  count: «copy.metrics.count»,
  rate: «copy.metrics.rate»,
  people: «copy.metrics.people»,
  footer: "Sample figures: make them yours.",
  glyph: «copy.glyph»,
};
