import { content } from "./content";
import type { Product } from "./content";

export const KINDS = ["All", ...new Set(content.products.map((product) => product.kind))];
export const SORTS = ["Featured", "Price, low first", "Price, high first", "Name"];

/** The price of the dearest product: where the price filter starts. */
export const highest = Math.ceil(Math.max(...content.products.map((product) => product.price)));

export const firstOption = content.options.values[0] ?? "";

export function money(amount: number): string {
  return `${content.currency}${amount.toFixed(2).replace(".00", "")}`;
}

export function find(slug: string): Product | undefined {
  return content.products.find((product) => product.slug === slug);
}

export function productPath(product: Product): string {
  return `/products/${product.slug}`;
}

/** Which of the drawn still lifes a product has. */
export function stillOf(product: Product): number {
  return content.products.indexOf(product);
}

/** The products of a kind up to a price, in the order asked for. */
export function select(kind: string, most: number, sort: string): Product[] {
  const found = content.products
    .filter((product) => kind === "All" || product.kind === kind)
    .filter((product) => product.price <= most);
  if (sort === "Name") return found.sort((one, other) => one.title.localeCompare(other.title));
  if (sort === "Price, low first") return found.sort((one, other) => one.price - other.price);
  if (sort === "Price, high first") return found.sort((one, other) => other.price - one.price);
  return found;
}

/** Four others to look at, those of the same kind first. */
export function beside(product: Product): Product[] {
  const others = content.products.filter((other) => other.slug !== product.slug);
  const same = others.filter((other) => other.kind === product.kind);
  return [...same, ...others.filter((other) => other.kind !== product.kind)].slice(0, 4);
}
