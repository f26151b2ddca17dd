// Every word on the page lives here.
export const content = {
  name: «name»,
  title: «title»,
  headline: «copy.headline»,
  lede: «copy.lede»,
  eyebrow: «copy.eyebrow»,
  cta: «copy.cta»,
  action: { label: "Get in touch", href: "#enquiry" },
  nav: [
    { label: "What we offer", href: "#offers" },
    { label: "How it works", href: "#steps" },
    { label: "Our story", href: "#story" },
  ],
  offersTitle: «copy.offersTitle»,
  offersText: «copy.offersText»,
  offers: «copy.offers»,
  stepsTitle: «copy.stepsTitle»,
  steps: «copy.steps»,
  story: «copy.story»,
  footer: "Made with care. Sample words and prices: make them yours.",
  email: "hello@example.com",
  glyph: «copy.glyph»,
};

export type Offer = (typeof content.offers)[number];
