import { content } from "../content";
import { Poster } from "./Poster";

export function Hero() {
  return (
    <section className="shell grid items-center gap-12 py-12 md:py-20 lg:grid-cols-[1.15fr_1fr] lg:gap-16">
      <div>
        <p className="mb-6 inline-flex items-center gap-2 rounded-full border border-line bg-surface px-4 py-1.5 text-sm text-muted">
          <span className="size-2 rounded-full bg-accent" aria-hidden="true" />
          {content.eyebrow}
        </p>
        <h1 className="text-[clamp(2.6rem,6.4vw,4.75rem)] leading-[1.03]">{content.headline}</h1>
        <p className="mt-6 max-w-xl text-lg text-pretty text-muted md:text-xl">{content.lede}</p>
        <div className="mt-9 flex flex-wrap gap-3">
          <a href="#offers" className="button">
            {content.cta}
          </a>
          <a href="#story" className="button-quiet">
            Read our story
          </a>
        </div>
      </div>
      <Poster />
    </section>
  );
}
