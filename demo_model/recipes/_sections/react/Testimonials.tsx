const QUOTES = «copy.quotes»;

export function Testimonials() {
  return (
    <section id="testimonials" aria-labelledby="testimonials-title" className="shell py-16 md:py-24">
      <h2 id="testimonials-title" className="text-3xl leading-tight md:text-5xl">
        What people say
      </h2>
      <ul className="mt-10 grid gap-5 md:grid-cols-3">
        {QUOTES.map((quote) => (
          <li key={quote.who} className="flex">
            <figure className="flex w-full flex-col justify-between gap-8 rounded-3xl border border-line bg-surface p-7">
              <blockquote className="font-display text-xl leading-snug text-pretty">“{quote.text}”</blockquote>
              <figcaption className="flex items-center gap-3 text-sm">
                <span className="grid size-10 shrink-0 place-items-center rounded-full bg-soft font-semibold text-accent-text" aria-hidden="true">
                  {quote.who.slice(0, 1)}
                </span>
                <span>
                  <b className="block font-semibold">{quote.who}</b>
                  <span className="text-muted">{quote.role}</span>
                </span>
              </figcaption>
            </figure>
          </li>
        ))}
      </ul>
    </section>
  );
}
