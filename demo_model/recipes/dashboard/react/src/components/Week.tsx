import { useState } from "react";
import { week } from "../data";

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

export function Week() {
  const top = Math.max(...week);
  const [active, setActive] = useState(week.indexOf(top));

  return (
    <section aria-labelledby="week-title" className="flex flex-col rounded-3xl border border-line bg-surface p-5 md:p-7">
      <h2 id="week-title" className="text-xl">
        This week
      </h2>
      <p className="mt-1 text-sm text-muted" aria-live="polite">
        {DAYS[active]}: {week[active]} visits
      </p>
      <ul className="mt-6 flex min-h-44 grow items-end gap-2">
        {week.map((value, index) => (
          <li key={DAYS[index]} className="flex h-full grow basis-0 flex-col justify-end">
            <button
              type="button"
              aria-label={`${DAYS[index]}: ${value} visits`}
              onClick={() => setActive(index)}
              onFocus={() => setActive(index)}
              onPointerEnter={() => setActive(index)}
              className="w-full rounded-xl transition-colors"
              style={{ height: `${(value / top) * 85}%`, background: index === active ? "var(--accent)" : "var(--art-1)" }}
            />
            <span className={`mt-2 text-center text-xs ${index === active ? "font-semibold text-ink" : "text-muted"}`} aria-hidden="true">
              {DAYS[index]?.slice(0, 2)}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
