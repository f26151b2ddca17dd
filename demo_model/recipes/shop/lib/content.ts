// Every word and price in the shop lives here.
export const content = {
  name: «name»,
  title: «title»,
  eyebrow: «copy.eyebrow»,
  headline: «shop.headline»,
  lede: «copy.lede»,
  shelfTitle: «shop.title»,
  currency: «copy.metrics.unit»,
  products: «shop.products»,
  options: «shop.options»,
  promises: ["Sent within two days, in paper", "Thirty days to change your mind", "A person answers every message"],
  footer: "Sample products and prices: make them yours.",
  glyph: «copy.glyph»,
};

export type Product = (typeof content.products)[number];
