const FILLS = ["var(--art-1)", "var(--art-2)", "var(--art-3)", "var(--art-4)"];

/** A drawn picture; each index has its own. Replace it with a photograph of the work. */
export function Art({ index, className = "" }: { index: number; className?: string }) {
  const fill = (step: number) => FILLS[(index + step) % FILLS.length];

  return (
    <svg viewBox="0 0 600 420" preserveAspectRatio="xMidYMid slice" className={`block w-full ${className}`} aria-hidden="true">
      <rect width="600" height="420" fill={fill(0)} />
      {index % 6 === 0 && (
        <>
          <circle cx="300" cy="210" r="150" fill={fill(1)} />
          <path d="M300 60a150 150 0 0 1 0 300z" fill={fill(3)} />
          <circle cx="300" cy="210" r="56" fill={fill(0)} />
        </>
      )}
      {index % 6 === 1 && (
        <>
          {[0, 1, 2, 3, 4, 5].map((step) => (
            <rect key={step} x={90 + step * 70} y={320 - step * 44} width="70" height={100 + step * 44} fill={fill(1 + (step % 3))} />
          ))}
          <circle cx="150" cy="120" r="52" fill={fill(3)} />
        </>
      )}
      {index % 6 === 2 && (
        <>
          <path d="M180 90h170v240H180z" fill={fill(1)} transform="rotate(-7 265 210)" />
          <path d="M260 90h170v240H260z" fill={fill(3)} transform="rotate(6 345 210)" />
          <path d="M290 150h110M290 186h110M290 222h70" stroke={fill(0)} strokeWidth="10" strokeLinecap="round" transform="rotate(6 345 210)" />
        </>
      )}
      {index % 6 === 3 && (
        <>
          <rect x="110" y="80" width="380" height="260" rx="22" fill={fill(1)} />
          <rect x="140" y="150" width="150" height="160" rx="14" fill={fill(2)} />
          <rect x="310" y="150" width="150" height="74" rx="14" fill={fill(3)} />
          <rect x="310" y="236" width="150" height="74" rx="14" fill={fill(0)} />
          <circle cx="152" cy="114" r="11" fill={fill(3)} />
        </>
      )}
      {index % 6 === 4 && (
        <>
          <circle cx="430" cy="130" r="62" fill={fill(1)} />
          <path d="M0 300q75-40 150 0t150 0 150 0 150 0v120H0z" fill={fill(2)} />
          <path d="M0 350q75-34 150 0t150 0 150 0 150 0v80H0z" fill={fill(3)} />
          <path d="M110 300V150h16v150z" fill={fill(3)} />
        </>
      )}
      {index % 6 === 5 && (
        <>
          <path d="M120 330L300 90l180 240z" fill={fill(1)} />
          <path d="M300 90l180 240H300z" fill={fill(3)} />
          <path d="M60 330h480v22H60z" fill={fill(2)} />
        </>
      )}
    </svg>
  );
}
