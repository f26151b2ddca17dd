import { content } from "../content";
import { Glyph } from "./Glyph";

/** The picture beside the headline: drawn, not loaded, in the colours of the theme. */
export function Poster() {
  const offer = content.offers[0];

  return (
    <div className="relative mx-auto w-full max-w-md lg:max-w-none">
      <div className="relative overflow-hidden rounded-[2.5rem] bg-art-1">
        <svg viewBox="0 0 480 540" className="block w-full" aria-hidden="true">
          <circle cx="372" cy="128" r="74" fill="var(--art-2)" />
          <g fill="none" stroke="var(--art-4)" strokeWidth="26">
            <path d="M-30 560V360a130 130 0 0 1 260 0v200" opacity=".55" />
            <path d="M30 560V360a70 70 0 0 1 140 0v200" />
          </g>
          <path d="M0 452c92-52 176-40 262 2s154 34 218-6v92H0z" fill="var(--art-3)" />
          <path d="M0 500c110-40 210-26 300 2s130 16 180-6v44H0z" fill="var(--accent)" />
        </svg>
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
