import { content } from "../content";

const ROUND = 2 * Math.PI * 52;

export function Progress({ done, total }: { done: number; total: number }) {
  const share = total ? done / total : 0;

  return (
    <section aria-label="Progress" className="relative overflow-hidden rounded-[2rem] bg-art-1 p-7 lg:sticky lg:top-24 lg:pb-44">
      <svg viewBox="0 0 352 160" preserveAspectRatio="none" className="absolute inset-x-0 bottom-0 hidden h-40 w-full lg:block" aria-hidden="true">
        <circle cx="280" cy="60" r="38" fill="var(--art-2)" />
        <path d="M0 96c60-46 130-38 190-4s110 30 162-8v76H0z" fill="var(--art-3)" />
        <path d="M0 132c80-34 150-22 220 0s92 14 132-6v34H0z" fill="var(--accent)" />
      </svg>
      <div className="relative">
        <h1 className="text-4xl leading-[1.05] text-ink">{content.headline}</h1>
        <p className="mt-3 text-ink/80">{content.lede}</p>
        <div className="mt-6 flex items-center gap-5">
          <svg viewBox="0 0 120 120" className="size-24 shrink-0 -rotate-90" aria-hidden="true">
            <circle cx="60" cy="60" r="52" fill="none" stroke="var(--surface)" strokeWidth="12" />
            <circle
              cx="60"
              cy="60"
              r="52"
              fill="none"
              stroke="var(--accent)"
              strokeWidth="12"
              strokeLinecap="round"
              strokeDasharray={`${ROUND * share} ${ROUND}`}
              opacity={share ? 1 : 0}
              className="transition-[stroke-dasharray] duration-500"
            />
          </svg>
          <p aria-live="polite">
            <b className="block font-display text-4xl font-semibold">{Math.round(share * 100)}%</b>
            <span className="text-ink/80">
              {done} of {total} done
            </span>
          </p>
        </div>
      </div>
    </section>
  );
}
