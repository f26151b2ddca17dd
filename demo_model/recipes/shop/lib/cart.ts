import type { Product } from "./content";
import { find } from "./products";
import { kept } from "./store";

export type Line = { slug: string; option: string; quantity: number };
export type Item = { id: string; product: Product; option: string; quantity: number; sum: number };

const MOST = 99;
const FREE_FROM = 60;
const COSTS: Record<string, number> = { Standard: 4.5, Express: 9.5, "Pick it up": 0 };

/** What the visitor wants to buy. It lives in this browser. */
export const cart = kept<Line[]>("cart", []);

function idOf(line: Line): string {
  return `${line.slug}/${line.option}`;
}

export function add(slug: string, option: string, quantity: number) {
  const lines = cart.get();
  const line = lines.find((one) => one.slug === slug && one.option === option);
  if (line) change(idOf(line), line.quantity + quantity);
  else cart.set([...lines, { slug, option, quantity }]);
}

/** Sets how many of a line there are; none takes the line out. */
export function change(id: string, quantity: number) {
  const rest = cart.get().map((line) => (idOf(line) === id ? { ...line, quantity: Math.min(quantity, MOST) } : line));
  cart.set(rest.filter((line) => line.quantity > 0));
}

export function count(lines: Line[]): number {
  return lines.reduce((sum, line) => sum + line.quantity, 0);
}

/** The lines with their products; what the shop no longer has is left out. */
export function priced(lines: Line[]): Item[] {
  return lines.flatMap((line) => {
    const product = find(line.slug);
    const { option, quantity } = line;
    return product ? [{ id: idOf(line), product, option, quantity, sum: product.price * quantity }] : [];
  });
}

/** What it costs with this delivery, and how much is missing for a free one. */
export function totals(lines: Line[], way: string) {
  const goods = priced(lines).reduce((sum, item) => sum + item.sum, 0);
  const delivery = way === "Standard" && goods >= FREE_FROM ? 0 : (COSTS[way] ?? 0);
  return { goods, delivery, total: goods + delivery, missing: Math.max(0, FREE_FROM - goods) };
}
