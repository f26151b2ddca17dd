import { content } from "../content";

export function Hero() {
  return (
    <section className="shell grid grid-cols-1 items-end gap-10 py-16 md:py-28 lg:grid-cols-[1.6fr_1fr]">
      <div>
        <p className="mb-6 font-medium text-accent-text first-letter:uppercase">{content.role}</p>
        <h1 className="text-[clamp(2.8rem,8vw,6.5rem)] leading-[0.98]">{content.headline}</h1>
      </div>
      <div className="lg:pb-3">
        <p className="text-lg text-pretty text-muted md:text-xl">{content.lede}</p>
        <a href="#work" className="mt-6 inline-flex items-center gap-2 font-semibold underline decoration-accent decoration-2 underline-offset-8">
          See the work <span aria-hidden="true">↓</span>
        </a>
      </div>
    </section>
  );
}
