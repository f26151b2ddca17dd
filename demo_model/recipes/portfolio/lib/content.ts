// Every word on the page lives here.
export const content = {
  name: «name»,
  title: «title»,
  role: «role»,
  headline: "Quiet work that does its job.",
  lede: "I take on a few projects a year, stay close to the people they are for, and stop when nothing is left to remove.",
  nav: [
    { label: "Work", to: "/" },
    { label: "About", to: "/about" },
  ],
  works: «works»,
  about: [
    "I like problems that fit on a table: a timetable, a shop, a sign, a book. I sketch early, test on paper, and draw the final thing last.",
    "When I am not working I walk, badly photograph birds, and teach an evening class on Thursdays.",
  ],
  facts: [
    { label: "Based in", value: "A small harbour town" },
    { label: "Open to", value: "Two projects this season" },
    { label: "Usually answers", value: "Within a day" },
  ],
  email: "hello@example.com",
  footer: "Sample words: make them yours.",
  glyph: "M12 3v18M3 12h18M5.600 5.600l12.800 12.800M18.400 5.600L5.600 18.400",
};

export type Item = (typeof content.works)[number];
