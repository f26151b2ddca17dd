/** Shapes in the colours of the theme. */
export function PosterArt() {
  return (
    <svg viewBox="0 0 480 540" className="block w-full" aria-hidden="true">
      <circle cx="372" cy="128" r="74" fill="var(--art-2)" />
      <g fill="none" stroke="var(--art-4)" strokeWidth="26">
        <path d="M-30 560V360a130 130 0 0 1 260 0v200" opacity=".55" />
        <path d="M30 560V360a70 70 0 0 1 140 0v200" />
      </g>
      <path d="M0 452c92-52 176-40 262 2s154 34 218-6v92H0z" fill="var(--art-3)" />
      <path d="M0 500c110-40 210-26 300 2s130 16 180-6v44H0z" fill="var(--accent)" />
    </svg>
  );
}
