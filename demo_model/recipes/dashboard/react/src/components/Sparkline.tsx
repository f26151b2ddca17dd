/** A small line without axes. Decoration: the figure beside it says the value. */
export function Sparkline({ values, colour }: { values: number[]; colour: string }) {
  const low = Math.min(...values);
  const spread = Math.max(...values) - low || 1;
  const points = values.map((value, index) => `${(index / Math.max(1, values.length - 1)) * 200},${38 - ((value - low) / spread) * 32}`);

  return (
    <svg viewBox="0 0 200 44" preserveAspectRatio="none" className="h-11 w-full" aria-hidden="true">
      <polygon points={`0,44 ${points.join(" ")} 200,44`} fill={colour} opacity=".12" />
      <polyline points={points.join(" ")} fill="none" stroke={colour} strokeWidth="2" vectorEffect="non-scaling-stroke" strokeLinejoin="round" />
    </svg>
  );
}
