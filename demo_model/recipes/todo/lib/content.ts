// Every word on the page lives here.
export const content = {
  name: «name»,
  title: «title»,
  headline: "One thing, then the next.",
  lede: "Your list stays in this browser: nothing to sign up for, nothing to sync.",
  action: { label: "Add a task", href: "#new" },
  nav: [] as { label: string; href: string }[],
  tasks: «copy.tasks»,
  footer: "Saved in this browser.",
  glyph: "M4 6.500l1.500 1.500L8 5.500M4 12.500l1.500 1.500L8 11.500M4 18.500l1.500 1.500L8 17.500M12 7h8M12 13h8M12 19h8",
};
