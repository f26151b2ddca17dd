const RANGES = [3, 6, 12];

export function Ranges({ range, onChange }: { range: number; onChange: (range: number) => void }) {
  return (
    <div className="flex gap-1 rounded-full border border-line bg-surface p-1">
      {RANGES.map((months) => (
        <button
          key={months}
          type="button"
          aria-pressed={range === months}
          onClick={() => onChange(months)}
          className="min-h-9 rounded-full px-4 text-sm font-medium text-muted transition-colors hover:text-ink aria-pressed:bg-accent aria-pressed:text-on-accent"
        >
          {months} months
        </button>
      ))}
    </div>
  );
}
