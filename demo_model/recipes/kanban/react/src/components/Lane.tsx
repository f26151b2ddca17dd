import type { Card } from "../useBoard";
import { CardItem } from "./CardItem";

type Props = {
  name: string;
  lane: number;
  cards: Card[];
  dragged: string | null;
  over: boolean;
  onMove: (id: string, lane: number, before?: string) => void;
  onNudge: (id: string, step: -1 | 1) => void;
  onRemove: (id: string) => void;
};

export function Lane({ name, lane, cards, dragged, over, onMove, onNudge, onRemove }: Props) {
  return (
    <section
      aria-label={name}
      data-lane={lane}
      className={`flex flex-col rounded-3xl border p-3 transition-colors md:min-h-96 ${over ? "border-accent bg-soft" : "border-transparent bg-soft/70"}`}
    >
      <h2 className="flex items-center justify-between px-2 pt-1 pb-3 text-lg">
        <span className="flex items-center gap-2.5">
          <span className="size-2.5 rounded-full" style={{ background: `var(--data-${lane + 1})` }} aria-hidden="true" />
          {name}
        </span>
        <span className="rounded-full bg-surface px-2.5 py-0.5 font-sans text-sm font-medium text-muted tabular-nums">{cards.length}</span>
      </h2>
      <ul className="grid grid-cols-1 content-start gap-2.5">
        {cards.map((card) => (
          <CardItem
            key={card.id}
            card={card}
            faded={dragged === card.id}
            onMove={(step) => onMove(card.id, lane + step)}
            onNudge={(step) => onNudge(card.id, step)}
            onRemove={() => onRemove(card.id)}
          />
        ))}
      </ul>
      {!cards.length && <p className="grid grow place-items-center px-4 py-8 text-center text-sm text-muted">Nothing here. Drop a card.</p>}
    </section>
  );
}
