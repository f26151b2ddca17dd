import { content } from "../content";

export function Questions() {
  return (
    <section id="questions" aria-labelledby="questions-title" className="shell grid grid-cols-1 gap-8 py-16 md:py-24 lg:grid-cols-[1fr_1.6fr]">
      <h2 id="questions-title" className="text-3xl leading-tight md:text-4xl">
        Good questions
      </h2>
      <div className="divide-y divide-line border-y border-line">
        {content.questions.map((item) => (
          <details key={item.q} className="group">
            <summary className="flex list-none items-center justify-between gap-4 py-5 text-lg font-medium [&::-webkit-details-marker]:hidden">
              {item.q}
              <span className="text-2xl leading-none text-accent-text transition-transform group-open:rotate-45" aria-hidden="true">
                +
              </span>
            </summary>
            <p className="max-w-prose pb-6 text-muted">{item.a}</p>
          </details>
        ))}
      </div>
    </section>
  );
}
