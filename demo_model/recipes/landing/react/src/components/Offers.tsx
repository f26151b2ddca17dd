import { content } from "../content";
import type { Shortlist } from "../useShortlist";
import { OfferCard } from "./OfferCard";

export function Offers({ shortlist }: { shortlist: Shortlist }) {
  return (
    <section id="offers" aria-labelledby="offers-title" className="shell py-16 md:py-24">
      <div className="mb-10 max-w-2xl">
        <h2 id="offers-title" className="text-3xl leading-tight md:text-5xl">
          {content.offersTitle}
        </h2>
        <p className="mt-4 text-lg text-muted">{content.offersText}</p>
      </div>
      <ul className="grid gap-5 sm:grid-cols-2 lg:grid-cols-3">
        {content.offers.map((offer, index) => (
          <li key={offer.title} className="flex">
            <OfferCard
              offer={offer}
              index={index}
              saved={shortlist.titles.includes(offer.title)}
              onToggle={() => shortlist.toggle(offer.title)}
            />
          </li>
        ))}
      </ul>
    </section>
  );
}
