import { useState } from "react";
import type { PointerEvent } from "react";
import { content } from "../content";
import { lastYear, months, thisYear } from "../data";
import { change, money, shortMoney } from "../format";

const WIDTH = 720;
const HEIGHT = 360;
const LEFT = 58;
const BOTTOM = 34;

/** This year against the last, month by month. Point at it, or step through it with the slider below. */
export function Trend({ range }: { range: number }) {
  const [hovered, setHovered] = useState<number | null>(null);
  const now = thisYear.slice(-range);
  const before = lastYear.slice(-range);
  const names = months.slice(-range);
  const top = Math.ceil(Math.max(...now, ...before) / 20000) * 20000;
  const at = Math.min(hovered ?? range - 1, range - 1);
  const x = (index: number) => LEFT + (index / (range - 1)) * (WIDTH - LEFT - 14);
  const y = (value: number) => 14 + (1 - value / top) * (HEIGHT - BOTTOM - 14);
  const line = (values: number[]) => values.map((value, index) => `${x(index)},${y(value)}`).join(" ");

  function point(event: PointerEvent<SVGSVGElement>) {
    const box = event.currentTarget.getBoundingClientRect();
    const along = ((event.clientX - box.left) / box.width) * WIDTH - LEFT;
    setHovered(Math.max(0, Math.min(range - 1, Math.round((along / (WIDTH - LEFT - 14)) * (range - 1)))));
  }

  return (
    <section id="trend" aria-labelledby="trend-title" className="rounded-3xl border border-line bg-surface p-5 md:p-7 lg:col-span-2">
      <div className="mb-4 flex flex-wrap items-start justify-between gap-3">
        <h2 id="trend-title" className="text-xl">
          {content.total} by month
        </h2>
        <p aria-live="polite" className="text-right text-sm">
          <b className="font-semibold">{names[at]}</b> {money(now[at] ?? 0)}{" "}
          <span className="text-accent-text">{change(now[at] ?? 0, before[at] ?? 0)}</span>
          <span className="block text-muted">last year {money(before[at] ?? 0)}</span>
        </p>
      </div>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        aria-hidden="true"
        onPointerMove={point}
        onPointerLeave={() => setHovered(null)}
        className="w-full touch-pan-y"
      >
        <defs>
          <linearGradient id="trend-fill" x1="0" y1="0" x2="0" y2="1">
            <stop stopColor="var(--data-1)" stopOpacity=".28" />
            <stop offset="1" stopColor="var(--data-1)" stopOpacity="0" />
          </linearGradient>
        </defs>
        {[0, 0.25, 0.5, 0.75, 1].map((share) => (
          <g key={share}>
            <line x1={LEFT} x2={WIDTH - 14} y1={y(top * share)} y2={y(top * share)} stroke="var(--line)" />
            <text x={LEFT - 10} y={y(top * share) + 4} textAnchor="end" className="text-[12px] max-sm:text-[19px]" fill="var(--muted)">
              {shortMoney(top * share)}
            </text>
          </g>
        ))}
        {names.map((name, index) => (
          <text key={name} x={x(index)} y={HEIGHT - 10} textAnchor="middle" className={`text-[12px] max-sm:text-[19px] ${index % 2 ? "max-sm:hidden" : ""}`} fill={index === at ? "var(--ink)" : "var(--muted)"}>
            {name}
          </text>
        ))}
        <polygon points={`${x(0)},${y(0)} ${line(now)} ${x(range - 1)},${y(0)}`} fill="url(#trend-fill)" />
        <polyline points={line(before)} fill="none" stroke="var(--muted)" strokeWidth="2" strokeDasharray="2 6" strokeLinecap="round" />
        <polyline points={line(now)} fill="none" stroke="var(--data-1)" strokeWidth="3" strokeLinejoin="round" strokeLinecap="round" />
        <line x1={x(at)} x2={x(at)} y1="14" y2={y(0)} stroke="var(--ink)" strokeOpacity=".25" />
        <circle cx={x(at)} cy={y(now[at] ?? 0)} r="6" fill="var(--data-1)" stroke="var(--surface)" strokeWidth="3" />
      </svg>
      <label className="mt-1 flex items-center gap-3 text-sm text-muted">
        Month
        <input type="range" min="0" max={range - 1} value={at} onChange={(event) => setHovered(Number(event.target.value))} className="grow" />
      </label>
    </section>
  );
}
