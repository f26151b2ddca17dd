import { content } from "./content";
import { kept, shared } from "./store";

export type Card = { id: string; text: string; lane: number; label: number; person: string };

const STARTING_LANES = [2, 3, 1, 1, 0, 0];
const STARTER: Card[] = content.cards.map((text, index) => ({
  id: `start-${index}`,
  text,
  lane: STARTING_LANES[index] ?? 0,
  label: index % content.labels.length,
  person: content.people[index % content.people.length] ?? "",
}));

/** The board. It lives in this browser. */
export const cards = kept("board", STARTER);

export const search = shared("");
export const news = shared("");

/** The card that is being dragged, and the lane under it; "" and -1 while none is. */
export const dragged = shared("");
export const over = shared(-1);

export function inLane(all: Card[], lane: number, words: string): Card[] {
  const wanted = words.trim().toLowerCase();
  return all.filter((card) => card.lane === lane && card.text.toLowerCase().includes(wanted));
}

export function add(text: string, label: number) {
  cards.set([...cards.get(), { id: Date.now().toString(36), text, lane: 0, label, person: "You" }]);
}

export function remove(id: string) {
  cards.set(cards.get().filter((card) => card.id !== id));
}

/** Puts a card into a lane, before another card or at the end. */
function place(id: string, lane: number, before?: string) {
  const card = cards.get().find((item) => item.id === id);
  if (!card || before === id || !content.lanes[lane]) return;
  const rest = cards.get().filter((item) => item.id !== id);
  const at = rest.findIndex((item) => item.id === before);
  rest.splice(at < 0 ? rest.length : at, 0, { ...card, lane });
  cards.set(rest);
  news.set(`Moved to ${content.lanes[lane]}`);
}

export function move(card: Card, lane: number) {
  place(card.id, lane);
}

/** Moves a card one place up or down within its lane. */
function nudge(card: Card, step: -1 | 1) {
  const lane = cards.get().filter((item) => item.lane === card.lane);
  const at = lane.findIndex((item) => item.id === card.id);
  const target = lane[at + step];
  if (target) place(card.id, card.lane, step < 0 ? target.id : lane[at + 2]?.id);
}

/** The arrow keys move a card; it keeps the focus. */
export function press(event: { key: string; preventDefault: () => void }, card: Card) {
  const moves: Record<string, () => void> = {
    ArrowLeft: () => place(card.id, card.lane - 1),
    ArrowRight: () => place(card.id, card.lane + 1),
    ArrowUp: () => nudge(card, -1),
    ArrowDown: () => nudge(card, 1),
  };
  const act = moves[event.key];
  if (!act) return;
  event.preventDefault();
  act();
  // In two frames the card stands where it belongs, whenever the framework draws.
  requestAnimationFrame(() => requestAnimationFrame(() => document.getElementById(`card-${card.id}`)?.focus()));
}

/** What follows "ticket-" or "lane-" in the id of the element under an event, or of one around it. */
function holder(event: Event, name: "ticket" | "lane"): string | undefined {
  const element = event.target instanceof Element ? event.target.closest(`[id^="${name}-"]`) : null;
  return element?.id.slice(name.length + 1);
}

function release() {
  dragged.set("");
  over.set(-1);
}

/** Drag and drop for the whole board, by the ids of its cards and lanes. */
function watch(page: Document) {
  page.addEventListener("dragstart", (event) => dragged.set(holder(event, "ticket") ?? ""));
  page.addEventListener("dragend", release);
  page.addEventListener("dragover", (event) => {
    const lane = holder(event, "lane");
    if (lane) event.preventDefault();
    const next = Number(lane ?? -1);
    if (next !== over.get()) over.set(next);
  });
  page.addEventListener("drop", (event) => {
    const lane = holder(event, "lane");
    if (!lane || !dragged.get()) return;
    event.preventDefault();
    place(dragged.get(), Number(lane), holder(event, "ticket"));
    release();
  });
}

if (typeof document !== "undefined") watch(document);

/** What stands in the field that an event came from. */
export function value(event: { target: EventTarget | null }): string {
  return (event.target as HTMLInputElement).value;
}
