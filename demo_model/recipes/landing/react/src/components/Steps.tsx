import { content } from "../content";

export function Steps() {
  return (
    <section id="steps" aria-labelledby="steps-title" className="border-y border-line bg-soft">
      <div className="shell py-16 md:py-24">
        <h2 id="steps-title" className="max-w-xl text-3xl leading-tight md:text-5xl">
          {content.stepsTitle}
        </h2>
        <ol className="mt-12 grid gap-10 md:grid-cols-3">
          {content.steps.map((step, index) => (
            <li key={step.title} className="border-t-2 border-accent pt-5">
              <span className="text-sm font-semibold text-accent-text tabular-nums">{String(index + 1).padStart(2, "0")}</span>
              <h3 className="mt-2 text-2xl">{step.title}</h3>
              <p className="mt-2 text-muted">{step.text}</p>
            </li>
          ))}
        </ol>
      </div>
    </section>
  );
}
