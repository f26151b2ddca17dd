const FILLS = ["var(--art-1)", "var(--art-2)", "var(--art-3)", "var(--art-4)"];

/** A quiet ornament for the head of a card; each index has its own. */
export function Pattern({ index }: { index: number }) {
  const [ground, shape, second] = [0, 1, 2].map((step) => FILLS[(index + step) % FILLS.length]);

  return (
    <svg viewBox="0 0 360 150" preserveAspectRatio="xMidYMid slice" className="block h-36 w-full" aria-hidden="true">
      <rect width="360" height="150" fill={ground} />
      {index % 3 === 0 && (
        <>
          <circle cx="270" cy="150" r="105" fill={shape} />
          <circle cx="270" cy="150" r="62" fill={second} />
          <circle cx="84" cy="58" r="26" fill={shape} />
        </>
      )}
      {index % 3 === 1 && (
        <>
          <path d="M0 150V96c60-42 120-42 180 0s120 42 180 0v54z" fill={shape} />
          <path d="M0 150v-20c60-34 120-34 180 0s120 34 180 0v20z" fill={second} />
          <circle cx="286" cy="44" r="24" fill={second} />
        </>
      )}
      {index % 3 === 2 && (
        <>
          <path d="M40 150V84a52 52 0 0 1 104 0v66z" fill={shape} />
          <path d="M160 150V62a70 70 0 0 1 140 0v88z" fill={second} />
          <path d="M196 150V84a34 34 0 0 1 68 0v66z" fill={shape} />
        </>
      )}
    </svg>
  );
}
