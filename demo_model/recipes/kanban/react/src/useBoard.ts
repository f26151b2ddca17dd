import { useEffect, useState } from "react";
import { content } from "./content";

export type Card = { id: string; text: string; lane: number; label: number; person: string };

const KEY = "board";
const STARTING_LANES = [2, 3, 1, 1, 0, 0];

function starter(): Card[] {
  return content.cards.map((text, index) => ({
    id: `start-${index}`,
    text,
    lane: STARTING_LANES[index] ?? 0,
    label: index % content.labels.length,
    person: content.people[index % content.people.length] ?? "",
  }));
}

function stored(): Card[] {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(KEY) ?? "null");
    return Array.isArray(value) ? (value as Card[]) : starter();
  } catch {
    return starter();
  }
}

/** Takes a card out and puts it into a lane, before another card or at the end. */
function moved(cards: Card[], id: string, lane: number, before?: string): Card[] {
  const card = cards.find((item) => item.id === id);
  if (!card || before === id) return cards;
  const rest = cards.filter((item) => item.id !== id);
  const at = rest.findIndex((item) => item.id === before);
  return rest.toSpliced(at < 0 ? rest.length : at, 0, { ...card, lane });
}

/** The board and everything that can be done with it. It lives in this browser. */
export function useBoard() {
  const [cards, setCards] = useState(stored);

  useEffect(() => {
    try {
      localStorage.setItem(KEY, JSON.stringify(cards));
    } catch {
      // Storage can be full or switched off; the board then lasts as long as the page.
    }
  }, [cards]);

  /** Moves a card one place up or down within its lane. */
  function nudge(id: string, step: -1 | 1) {
    const card = cards.find((item) => item.id === id);
    const lane = cards.filter((item) => item.lane === card?.lane);
    const at = lane.findIndex((item) => item.id === id);
    const target = lane[at + step];
    if (!card || !target) return;
    const before = step < 0 ? target.id : lane[at + 2]?.id;
    setCards(moved(cards, id, card.lane, before));
  }

  return {
    cards,
    nudge,
    move: (id: string, lane: number, before?: string) => setCards((now) => moved(now, id, lane, before)),
    remove: (id: string) => setCards((now) => now.filter((card) => card.id !== id)),
    add: (text: string, lane: number, label: number) =>
      setCards((now) => [...now, { id: Date.now().toString(36), text, lane, label, person: "You" }]),
  };
}
