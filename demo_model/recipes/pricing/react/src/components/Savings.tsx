import { useState } from "react";
import { content } from "../content";
import { money, perMonth } from "../prices";
import type { Billing } from "../prices";

type Props = { billing: Billing; chosen: string; onChoose: (name: string) => void };

export function Savings({ billing, chosen, onChoose }: Props) {
  const [seats, setSeats] = useState(3);
  const plan = content.plans.find((item) => item.name === chosen) ?? content.plans[0];
  if (!plan) return null;
  const monthly = perMonth(plan.price, billing) * seats;
  const saved = (plan.price - perMonth(plan.price, "yearly")) * seats * 12;

  return (
    <section aria-labelledby="cost-title" className="shell py-20 md:py-28">
      <div className="grid grid-cols-1 gap-10 rounded-[2rem] border border-line bg-surface p-6 sm:p-10 lg:grid-cols-2 lg:p-14">
        <div>
          <h2 id="cost-title" className="text-3xl leading-tight md:text-4xl">
            What will it cost you?
          </h2>
          <label className="mt-8 grid gap-2 font-medium">
            Plan
            <select value={plan.name} onChange={(event) => onChoose(event.target.value)} className="field">
              {content.plans.map((item) => (
                <option key={item.name}>{item.name}</option>
              ))}
            </select>
          </label>
          <label className="mt-6 grid gap-3 font-medium">
            <span className="flex justify-between">
              How many <output>{seats}</output>
            </span>
            <input type="range" min="1" max="20" value={seats} onChange={(event) => setSeats(Number(event.target.value))} className="w-full" />
          </label>
        </div>
        <div className="grid content-center rounded-3xl bg-soft p-8 text-center">
          <p className="font-display text-6xl font-semibold tracking-tight">{money(monthly)}</p>
          <p className="mt-1 text-muted">a month, {billing === "yearly" ? "billed once a year" : "billed monthly"}</p>
          <p className="mt-6 font-medium text-accent-text">
            {billing === "yearly" ? `You save ${money(saved)} a year.` : `By the year you would save ${money(saved)}.`}
          </p>
        </div>
      </div>
    </section>
  );
}
