import type { KeyboardEvent } from "react";
import { content } from "../content";
import type { Card } from "../useBoard";

type Props = {
  card: Card;
  faded: boolean;
  onMove: (step: -1 | 1) => void;
  onNudge: (step: -1 | 1) => void;
  onRemove: () => void;
};

export function CardItem({ card, faded, onMove, onNudge, onRemove }: Props) {
  const label = card.label % content.labels.length;

  function press(event: KeyboardEvent) {
    const moves: Record<string, () => void> = {
      ArrowLeft: () => onMove(-1),
      ArrowRight: () => onMove(1),
      ArrowUp: () => onNudge(-1),
      ArrowDown: () => onNudge(1),
    };
    const act = moves[event.key];
    if (!act) return;
    event.preventDefault();
    act();
    // The card may be in another lane now: keep the focus on it.
    requestAnimationFrame(() => document.getElementById(`card-${card.id}`)?.focus());
  }

  return (
    <li
      draggable
      data-card={card.id}
      className={`cursor-grab rounded-2xl border border-line bg-surface p-4 shadow-sm shadow-black/4 transition-opacity active:cursor-grabbing ${faded ? "opacity-40" : ""}`}
    >
      <div className="flex items-start justify-between gap-3">
        <span className="flex items-center gap-2 text-xs font-medium text-muted">
          <span className="h-1.5 w-6 rounded-full" style={{ background: `var(--data-${label + 1})` }} aria-hidden="true" />
          {content.labels[label]}
        </span>
        <button type="button" onClick={onRemove} aria-label={`Delete ${card.text}`} className="-mt-2 -mr-2 grid size-8 place-items-center rounded-full text-muted hover:bg-soft hover:text-ink">
          <span aria-hidden="true">×</span>
        </button>
      </div>
      <p className="mt-1 leading-snug font-medium">{card.text}</p>
      <div className="mt-4 flex items-center justify-between gap-2">
        <span className="flex min-w-0 items-center gap-2 text-xs text-muted">
          <span className="grid size-6 shrink-0 place-items-center rounded-full bg-art-1 font-semibold text-ink" aria-hidden="true">
            {card.person.slice(0, 1)}
          </span>
          <span className="truncate">{card.person}</span>
        </span>
        <button
          id={`card-${card.id}`}
          type="button"
          onClick={() => onMove(1)}
          onKeyDown={press}
          aria-label={`Move ${card.text}. Arrow keys move it, Enter moves it on.`}
          className="grid size-9 shrink-0 place-items-center rounded-full border border-line text-muted hover:border-ink hover:text-ink"
        >
          <svg viewBox="0 0 24 24" className="size-4" fill="none" stroke="currentColor" strokeWidth="2" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true">
            <path d="M5 12h14M13 6l6 6-6 6" />
          </svg>
        </button>
      </div>
    </li>
  );
}
