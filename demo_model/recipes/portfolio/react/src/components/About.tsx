import { content } from "../content";

export function About() {
  return (
    <>
      <section id="about" aria-labelledby="about-title" className="border-y border-line bg-soft">
        <div className="shell grid grid-cols-1 gap-10 py-16 md:py-24 lg:grid-cols-[1fr_1.6fr]">
          <h2 id="about-title" className="text-3xl leading-tight md:text-5xl">
            About
          </h2>
          <div>
            {content.about.map((paragraph) => (
              <p key={paragraph} className="mb-5 text-xl leading-relaxed text-pretty">
                {paragraph}
              </p>
            ))}
            <dl className="mt-10 grid grid-cols-1 gap-6 sm:grid-cols-3">
              {content.facts.map((fact) => (
                <div key={fact.label} className="border-t border-accent pt-3">
                  <dt className="text-sm text-muted">{fact.label}</dt>
                  <dd className="font-medium">{fact.value}</dd>
                </div>
              ))}
            </dl>
          </div>
        </div>
      </section>
      <section id="contact" aria-label="Contact" className="shell py-20 text-center md:py-32">
        <p className="text-muted">Something in mind?</p>
        <a href={`mailto:${content.email}`} className="mt-3 inline-block font-display text-[clamp(1.7rem,6vw,4rem)] leading-tight underline decoration-accent decoration-4 underline-offset-8">
          {content.email}
        </a>
      </section>
    </>
  );
}
