import { useState } from "react";
import { entries } from "../data";
import type { Entry } from "../data";
import { money } from "../format";

type Column = "who" | "what" | "day" | "state" | "amount";

const COLUMNS: [Column, string][] = [
  ["who", "Who"],
  ["what", "What"],
  ["day", "Day"],
  ["state", "State"],
  ["amount", "Amount"],
];

function compare(one: Entry, other: Entry, column: Column): number {
  const [a, b] = [one[column], other[column]];
  return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
}

export function Entries() {
  const [column, setColumn] = useState<Column>("day");
  const [down, setDown] = useState(true);
  const [search, setSearch] = useState("");
  const shown = entries
    .filter((entry) => `${entry.who} ${entry.what} ${entry.state}`.toLowerCase().includes(search.trim().toLowerCase()))
    .toSorted((one, other) => compare(one, other, column) * (down ? -1 : 1));

  function sort(next: Column) {
    setDown(next === column ? !down : next === "amount" || next === "day");
    setColumn(next);
  }

  return (
    <section id="entries" aria-labelledby="entries-title" className="min-w-0 rounded-3xl border border-line bg-surface p-5 md:p-7 lg:col-span-2">
      <div className="mb-4 flex flex-wrap items-center justify-between gap-3">
        <h2 id="entries-title" className="text-xl">
          Latest entries
        </h2>
        <input type="search" value={search} onChange={(event) => setSearch(event.target.value)} aria-label="Search entries" placeholder="Search" className="field sm:w-56" />
      </div>
      <div className="relative -mx-2 overflow-x-auto">
        <table className="w-full min-w-120 text-left text-sm">
          <thead>
            <tr className="border-b border-line">
              {COLUMNS.map(([name, label]) => (
                <th key={name} scope="col" aria-sort={name === column ? (down ? "descending" : "ascending") : "none"} className="font-medium">
                  <button type="button" onClick={() => sort(name)} className={`min-h-11 w-full px-2 text-muted hover:text-ink ${name === "amount" ? "text-right" : "text-left"}`}>
                    {label} <span aria-hidden="true">{name === column ? (down ? "↓" : "↑") : ""}</span>
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((entry) => (
              <tr key={`${entry.who}-${entry.day}`} className="border-b border-line last:border-0">
                <td className="px-2 py-3 font-medium">{entry.who}</td>
                <td className="px-2 py-3 text-muted">{entry.what}</td>
                <td className="px-2 py-3 text-muted tabular-nums">{entry.day}</td>
                <td className="px-2 py-3">
                  <span className={`rounded-full px-2.5 py-1 text-xs font-medium ${entry.state === "Paid" ? "bg-soft text-accent-text" : "border border-line"}`}>{entry.state}</span>
                </td>
                <td className="px-2 py-3 text-right font-medium tabular-nums">{money(entry.amount)}</td>
              </tr>
            ))}
          </tbody>
        </table>
        {!shown.length && <p className="py-8 text-center text-muted">Nothing matches “{search}”.</p>}
      </div>
    </section>
  );
}
