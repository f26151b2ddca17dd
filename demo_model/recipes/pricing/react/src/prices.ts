import { content } from "./content";

export type Billing = "monthly" | "yearly";

/** What a plan costs per month under this billing, in whole units. */
export function perMonth(price: number, billing: Billing): number {
  return billing === "monthly" ? price : Math.round((price * (12 - content.monthsFreeByYear)) / 12);
}

export function money(amount: number): string {
  return `${content.currency}${amount.toLocaleString("en-GB")}`;
}
