import { content } from "../content";
import type { Billing } from "../prices";
import { Glyph } from "./Glyph";

export function Hero({ billing, onChange }: { billing: Billing; onChange: (billing: Billing) => void }) {
  return (
    <section className="relative overflow-hidden">
      <svg viewBox="0 0 1200 420" preserveAspectRatio="xMidYMin slice" className="absolute inset-x-0 top-0 -z-10 h-[26rem] w-full" aria-hidden="true">
        <circle cx="1060" cy="80" r="150" fill="var(--art-1)" />
        <circle cx="1060" cy="80" r="86" fill="var(--art-2)" opacity=".7" />
        <circle cx="70" cy="240" r="96" fill="var(--soft)" />
        <circle cx="190" cy="60" r="22" fill="var(--art-2)" />
      </svg>
      <div className="shell py-14 text-center md:py-20">
        <Glyph className="mx-auto mb-6 size-12 text-accent-text" width={1.3} />
        <h1 className="mx-auto max-w-3xl text-[clamp(2.5rem,6vw,4.5rem)] leading-[1.04]">{content.headline}</h1>
        <p className="mx-auto mt-5 max-w-2xl text-lg text-pretty text-muted">{content.lede}</p>
        <fieldset className="mx-auto mt-9 inline-flex rounded-full border border-line bg-surface p-1">
          <legend className="sr-only">Billing</legend>
          {(["monthly", "yearly"] as const).map((value) => (
            <label
              key={value}
              className="cursor-pointer rounded-full px-5 py-2 text-sm font-medium text-muted capitalize transition-colors has-checked:bg-accent has-checked:text-on-accent has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-accent-text"
            >
              <input type="radio" name="billing" value={value} checked={billing === value} onChange={() => onChange(value)} className="sr-only" />
              {value}
            </label>
          ))}
        </fieldset>
        <p className="mt-3 text-sm text-muted">Pay by the year and {content.monthsFreeByYear} months are on us.</p>
      </div>
    </section>
  );
}
