import { content } from "../content";

export function Compare() {
  const features = [...new Set(content.plans.flatMap((plan) => plan.features))];

  return (
    <section id="compare" aria-labelledby="compare-title" className="border-y border-line bg-soft">
      <div className="shell py-16 md:py-24">
        <h2 id="compare-title" className="mb-8 text-3xl leading-tight md:text-4xl">
          Side by side
        </h2>
        <div className="relative overflow-x-auto rounded-3xl border border-line bg-surface">
          <table className="w-full min-w-130 text-left">
            <thead>
              <tr className="border-b border-line">
                <th scope="col" className="p-4 font-semibold md:px-6">
                  What you get
                </th>
                {content.plans.map((plan) => (
                  <th key={plan.name} scope="col" className="p-4 text-center font-semibold">
                    {plan.name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {features.map((feature) => (
                <tr key={feature} className="border-b border-line last:border-0">
                  <th scope="row" className="p-4 font-normal md:px-6">
                    {feature}
                  </th>
                  {content.plans.map((plan, index) => {
                    // A larger plan holds what the smaller ones do.
                    const included = content.plans.slice(0, index + 1).some((item) => item.features.includes(feature));
                    return (
                      <td key={plan.name} className="p-4 text-center">
                        <span aria-hidden="true" className={included ? "font-semibold text-accent-text" : "text-muted"}>
                          {included ? "✓" : "–"}
                        </span>
                        <span className="sr-only">{included ? "Included" : "Not included"}</span>
                      </td>
                    );
                  })}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </div>
    </section>
  );
}
