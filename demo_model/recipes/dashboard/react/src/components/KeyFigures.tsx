import { content } from "../content";
import { lastYear, thisYear } from "../data";
import { change, money, sum } from "../format";
import { Sparkline } from "./Sparkline";

/** Four figures of the chosen range, each with its change against the year before. */
export function KeyFigures({ range }: { range: number }) {
  const now = thisYear.slice(-range);
  const before = lastYear.slice(-range);
  const total = sum(now);
  const figures = [
    { label: content.total, value: money(total), delta: change(total, sum(before)), series: now },
    { label: content.count, value: Math.round(total / 37).toLocaleString("en-GB"), delta: change(sum(now) * 1.04, sum(before)), series: now.map((v, i) => v * (1 + (i % 3) / 9)) },
    { label: content.people, value: Math.round((now.at(-1) ?? 0) / 29).toLocaleString("en-GB"), delta: change(now.at(-1) ?? 0, before.at(-1) ?? 0), series: now.map((v, i) => v + i * 900) },
    { label: content.rate, value: `${Math.min(98, 74 + (total % 17))}%`, delta: "+3%", series: now.map((v, i) => v * (1 - (i % 4) / 14)) },
  ];

  return (
    <dl className="grid grid-cols-2 gap-3 md:gap-5 lg:col-span-3 xl:grid-cols-4">
      {figures.map((figure, index) => (
        <div key={figure.label} className="flex flex-col rounded-3xl border border-line bg-surface p-4 md:p-5">
          <dt className="text-sm text-muted">{figure.label}</dt>
          <dd className="mt-2 flex flex-wrap items-baseline justify-between gap-2">
            <span className="font-display text-2xl font-semibold tracking-tight md:text-3xl">{figure.value}</span>
            <span className="rounded-full bg-soft px-2.5 py-0.5 text-sm font-medium text-accent-text">{figure.delta}</span>
          </dd>
          <dd className="mt-4">
            <Sparkline values={figure.series} colour={`var(--data-${index + 1})`} />
          </dd>
        </div>
      ))}
    </dl>
  );
}
