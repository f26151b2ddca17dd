import { useState } from "react";
import { shares } from "../data";
import { sum } from "../format";

const ROUND = 2 * Math.PI * 70;

export function Shares() {
  const [active, setActive] = useState(0);

  return (
    <section id="shares" aria-labelledby="shares-title" className="flex flex-col rounded-3xl border border-line bg-surface p-5 md:p-7">
      <h2 id="shares-title" className="text-xl">
        Where it comes from
      </h2>
      <div className="relative mx-auto my-5 w-full max-w-56">
        <svg viewBox="0 0 180 180" className="-rotate-90" aria-hidden="true">
          {shares.map((part, index) => {
            const start = sum(shares.slice(0, index).map((item) => item.share));
            return (
              <circle
                key={part.label}
                cx="90"
                cy="90"
                r="70"
                fill="none"
                stroke={`var(--data-${index + 1})`}
                strokeWidth={index === active ? 26 : 20}
                strokeDasharray={`${(ROUND * part.share) / 100 - 3} ${ROUND}`}
                strokeDashoffset={(-ROUND * start) / 100}
                onPointerEnter={() => setActive(index)}
                className="transition-[stroke-width]"
              />
            );
          })}
        </svg>
        <p className="pointer-events-none absolute inset-0 grid place-content-center text-center" aria-live="polite">
          <b className="font-display text-3xl font-semibold">{shares[active]?.share}%</b>
          <span className="text-sm text-muted">{shares[active]?.label}</span>
        </p>
      </div>
      <ul className="mt-auto grid gap-1">
        {shares.map((part, index) => (
          <li key={part.label}>
            <button
              type="button"
              aria-pressed={index === active}
              onClick={() => setActive(index)}
              onFocus={() => setActive(index)}
              onPointerEnter={() => setActive(index)}
              className="flex min-h-9 w-full items-center gap-3 rounded-xl px-3 text-sm hover:bg-soft aria-pressed:bg-soft"
            >
              <span className="size-3 rounded-full" style={{ background: `var(--data-${index + 1})` }} aria-hidden="true" />
              <span className="grow text-left">{part.label}</span>
              <span className="font-medium tabular-nums">{part.share}%</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
