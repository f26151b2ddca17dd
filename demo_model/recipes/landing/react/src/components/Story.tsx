import { content } from "../content";
import { Glyph } from "./Glyph";

export function Story() {
  return (
    <section id="story" aria-label="Our story" className="shell py-20 text-center md:py-32">
      <Glyph className="mx-auto mb-8 size-12 text-accent-text" width={1.2} />
      <p className="mx-auto max-w-4xl font-display text-2xl leading-snug text-balance md:text-4xl md:leading-snug">
        {content.story}
      </p>
      <p className="mt-8 text-muted">— {content.name}</p>
    </section>
  );
}
