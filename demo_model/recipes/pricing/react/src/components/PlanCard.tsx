import type { Plan } from "../content";
import { money, perMonth } from "../prices";
import type { Billing } from "../prices";

type Props = { plan: Plan; billing: Billing; popular: boolean; chosen: boolean; onChoose: () => void };

export function PlanCard({ plan, billing, popular, chosen, onChoose }: Props) {
  return (
    <li
      className={`relative flex flex-col rounded-[2rem] border p-7 md:p-9 ${popular ? "border-accent bg-soft shadow-xl shadow-black/5 lg:-my-4 lg:py-13" : "border-line bg-surface"}`}
    >
      {popular && (
        <span className="absolute -top-3.5 left-7 rounded-full bg-accent px-4 py-1 text-xs font-semibold text-on-accent">Most chosen</span>
      )}
      <h2 className="text-2xl">{plan.name}</h2>
      <p className="mt-1 text-muted">{plan.text}</p>
      <p className="mt-7 flex items-baseline gap-2" aria-live="polite">
        <span className="font-display text-5xl font-semibold tracking-tight md:text-6xl">{money(perMonth(plan.price, billing))}</span>
        <span className="text-muted">a month</span>
      </p>
      <p className="mt-1 min-h-6 text-sm text-muted">
        {billing === "yearly" ? `${money(perMonth(plan.price, billing) * 12)} billed once a year` : "Billed monthly, cancel any time"}
      </p>
      <ul className="mt-7 grid grow content-start gap-3 border-t border-line pt-7">
        {plan.features.map((feature) => (
          <li key={feature} className="flex gap-3">
            <svg viewBox="0 0 20 20" className="mt-0.5 size-5 shrink-0 text-accent-text" fill="none" stroke="currentColor" strokeWidth="2" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true">
              <path d="M4.500 10.500l3.500 3.500 7.500-8" />
            </svg>
            {feature}
          </li>
        ))}
      </ul>
      <button type="button" aria-pressed={chosen} onClick={onChoose} className={`mt-8 ${popular ? "button" : "button-quiet"}`}>
        {chosen ? `${plan.name} is chosen ✓` : `Choose ${plan.name}`}
      </button>
    </li>
  );
}
