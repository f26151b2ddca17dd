/** Shapes in the colours of the theme. */
export function PosterArt() {
  return (
    <svg viewBox="0 0 480 540" className="block w-full" aria-hidden="true">
      <g fill="none" stroke="var(--art-2)" strokeWidth="2">
        <circle cx="240" cy="238" r="230" />
        <circle cx="240" cy="238" r="178" />
      </g>
      <circle cx="240" cy="238" r="132" fill="var(--art-2)" opacity=".55" />
      <circle cx="403" cy="76" r="34" fill="var(--art-4)" />
      <circle cx="66" cy="272" r="20" fill="var(--accent)" />
      <circle cx="418" cy="253" r="11" fill="var(--art-3)" />
      <path d="M0 540V448h96v92zM96 540v-56h96v56zM192 540V420h96v120z" fill="var(--art-3)" />
      <path d="M288 540v-82h96v82zM384 540V392h96v148z" fill="var(--art-4)" />
      <path d="M192 540v-44h96v44zM384 540v-72h96v72zM0 540v-36h96v36z" fill="var(--accent)" />
    </svg>
  );
}
