export type Filter = "all" | "open" | "done";

type Props = { filter: Filter; onChange: (filter: Filter) => void; open: number; done: number; onClear: () => void };

export function Filters({ filter, onChange, open, done, onClear }: Props) {
  const choices: [Filter, string, number][] = [
    ["all", "All", open + done],
    ["open", "Open", open],
    ["done", "Done", done],
  ];

  return (
    <div className="my-5 flex flex-wrap items-center justify-between gap-3">
      <div className="flex gap-1 rounded-full border border-line bg-surface p-1">
        {choices.map(([value, label, count]) => (
          <button
            key={value}
            type="button"
            aria-pressed={filter === value}
            onClick={() => onChange(value)}
            className="rounded-full px-4 py-1.5 text-sm font-medium text-muted transition-colors hover:text-ink aria-pressed:bg-soft aria-pressed:text-accent-text"
          >
            {label} <span className="tabular-nums">{count}</span>
          </button>
        ))}
      </div>
      {done > 0 && (
        <button type="button" onClick={onClear} className="px-2 py-1.5 text-sm text-muted underline underline-offset-4 hover:text-ink">
          Clear done
        </button>
      )}
    </div>
  );
}
