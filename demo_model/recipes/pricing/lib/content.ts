// Every word and price on the page lives here.
export const content = {
  name: «name»,
  title: «title»,
  headline: "Fair prices, plainly put.",
  lede: «copy.lede»,
  action: { label: "Choose a plan", href: "#plans" },
  nav: [
    { label: "Plans", href: "#plans" },
    { label: "Compare", href: "#compare" },
    { label: "Questions", href: "#questions" },
  ],
  currency: "£",
  monthsFreeByYear: 2,
  plans: «copy.tiers»,
  popular: 1,
  questions: «copy.faqs»,
  footer: "Sample words and prices: make them yours.",
  glyph: «copy.glyph»,
};

export type Plan = (typeof content.plans)[number];
