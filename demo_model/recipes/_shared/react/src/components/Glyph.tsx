import { content } from "../content";

/** The mark of this app, drawn in the current text colour. */
export function Glyph({ className = "size-5", width = 1.6 }: { className?: string; width?: number }) {
  return (
    <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth={width} className={className} aria-hidden="true">
      <path d={content.glyph} strokeLinecap="round" strokeLinejoin="round" />
    </svg>
  );
}
