import type { Offer } from "../content";
import { Pattern } from "./Pattern";

type Props = { offer: Offer; index: number; saved: boolean; onToggle: () => void };

export function OfferCard({ offer, index, saved, onToggle }: Props) {
  return (
    <article className="group flex w-full flex-col overflow-hidden rounded-3xl border border-line bg-surface transition-shadow hover:shadow-lg hover:shadow-black/5">
      <Pattern index={index} />
      <div className="flex grow flex-col p-6">
        <h3 className="text-xl">{offer.title}</h3>
        <p className="mt-2 grow text-muted">{offer.text}</p>
        <div className="mt-6 flex items-center justify-between gap-3">
          <span className="font-semibold">{offer.price}</span>
          <button
            type="button"
            aria-pressed={saved}
            aria-label={`Save ${offer.title}`}
            onClick={onToggle}
            className="inline-flex min-h-10 items-center gap-2 rounded-full border border-line px-4 text-sm font-medium transition-colors hover:border-ink aria-pressed:border-transparent aria-pressed:bg-accent aria-pressed:text-on-accent"
          >
            <svg viewBox="0 0 24 24" className="size-4" fill={saved ? "currentColor" : "none"} stroke="currentColor" strokeWidth="2" aria-hidden="true">
              <path d="M12 20s-7.500-4.600-7.500-10.200A4.300 4.300 0 0 1 12 7.200a4.300 4.300 0 0 1 7.500 2.600C19.500 15.400 12 20 12 20z" strokeLinejoin="round" />
            </svg>
            {saved ? "Saved" : "Save"}
          </button>
        </div>
      </div>
    </article>
  );
}
