import { content } from "../content";
import { Glyph } from "./Glyph";
import { PosterArt } from "./PosterArt";

/** The picture beside the headline: drawn, not loaded, in the colours of the theme. */
export function Poster() {
  const offer = content.offers[0];

  return (
    <div className="relative mx-auto w-full max-w-md lg:max-w-none">
      <div className="relative overflow-hidden rounded-[2.5rem] bg-art-1">
        <PosterArt />
        <div className="absolute inset-0 grid place-items-center pb-16 text-ink">
          <Glyph className="size-44 md:size-56" width={0.9} />
        </div>
      </div>
      {offer && (
        <div className="absolute -bottom-6 left-5 flex max-w-[85%] items-center gap-4 rounded-2xl border border-line bg-surface p-4 pr-6 shadow-xl shadow-black/5">
          <span className="grid size-11 shrink-0 place-items-center rounded-xl bg-soft text-accent-text">
            <Glyph />
          </span>
          <p className="text-sm leading-snug">
            <span className="block font-semibold">{offer.title}</span>
            <span className="text-muted">{offer.price}</span>
          </p>
        </div>
      )}
    </div>
  );
}
