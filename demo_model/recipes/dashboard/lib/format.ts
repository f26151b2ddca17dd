import { content } from "./content";

export function money(amount: number): string {
  return `${content.currency}${Math.round(amount).toLocaleString("en-GB")}`;
}

/** 48200 → £48k, for axes. */
export function shortMoney(amount: number): string {
  return amount >= 1000 ? `${content.currency}${Math.round(amount / 1000)}k` : money(amount);
}

export function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** The change from one value to another, as +12% or −3%. */
export function change(now: number, before: number): string {
  const percent = before ? Math.round((100 * (now - before)) / before) : 0;
  return `${percent < 0 ? "−" : "+"}${Math.abs(percent)}%`;
}
