const PLANS = «copy.tiers»;

export function Plans() {
  return (
    <section id="plans" aria-labelledby="plans-title" className="shell py-16 md:py-24">
      <h2 id="plans-title" className="text-3xl leading-tight md:text-5xl">
        Simple prices
      </h2>
      <ul className="mt-10 grid gap-5 md:grid-cols-3">
        {PLANS.map((plan, index) => (
          <li
            key={plan.name}
            className={`flex flex-col rounded-3xl border p-7 ${index === 1 ? "border-accent bg-soft" : "border-line bg-surface"}`}
          >
            <h3 className="text-xl">{plan.name}</h3>
            <p className="mt-1 text-muted">{plan.text}</p>
            <p className="mt-6 text-4xl font-semibold tabular-nums">
              £{plan.price} <span className="text-base font-normal text-muted">a month</span>
            </p>
            <ul className="mt-6 grid gap-2 border-t border-line pt-6">
              {plan.features.map((feature) => (
                <li key={feature} className="flex gap-3">
                  <span className="text-accent-text" aria-hidden="true">
                    ✓
                  </span>
                  {feature}
                </li>
              ))}
            </ul>
          </li>
        ))}
      </ul>
    </section>
  );
}
