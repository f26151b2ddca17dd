const FILLS = ["var(--art-1)", "var(--art-2)", "var(--art-3)", "var(--art-4)"];

/** A drawn cover; each story has its own. Replace it with a photograph. */
export function Cover({ index, className = "" }: { index: number; className?: string }) {
  const fill = (step: number) => FILLS[(index + step) % FILLS.length];

  return (
    <svg viewBox="0 0 640 400" preserveAspectRatio="xMidYMid slice" className={`block w-full ${className}`} aria-hidden="true">
      <rect width="640" height="400" fill={fill(0)} />
      {index % 3 === 0 && (
        <>
          <circle cx="470" cy="120" r="62" fill={fill(1)} />
          <path d="M0 300q80-60 160-20t160-10 160-20 160 20v130H0z" fill={fill(2)} />
          <path d="M0 350q100-50 220-14t220-6 200 0v70H0z" fill={fill(3)} />
        </>
      )}
      {index % 3 === 1 && (
        <>
          <ellipse cx="320" cy="300" rx="230" ry="46" fill={fill(3)} />
          <path d="M150 190h340a170 110 0 0 1-340 0z" fill={fill(1)} />
          <path d="M250 150q-14-30 10-56M320 150q-14-30 10-56M390 150q-14-30 10-56" fill="none" stroke={fill(2)} strokeWidth="14" strokeLinecap="round" />
        </>
      )}
      {index % 3 === 2 && (
        <>
          <path d="M80 400V210a90 90 0 0 1 180 0v190z" fill={fill(1)} />
          <path d="M230 400V170a110 110 0 0 1 220 0v230z" fill={fill(3)} />
          <path d="M420 400V240a80 80 0 0 1 160 0v160z" fill={fill(2)} />
          <circle cx="130" cy="80" r="34" fill={fill(2)} />
        </>
      )}
    </svg>
  );
}
