import { content } from "./content";
import { shared } from "./store";

export type Billing = "monthly" | "yearly";

export const BILLINGS: Billing[] = ["monthly", "yearly"];

/** How the visitor wants to pay, and for which plan. */
export const billing = shared<Billing>("monthly");
export const choice = shared(content.plans[content.popular]?.name ?? "");

export const features = [...new Set(content.plans.flatMap((plan) => plan.features))];

/** Whether the plan at this place has a feature: a larger plan holds what the smaller ones do. */
export function included(feature: string, index: number): boolean {
  return content.plans.slice(0, index + 1).some((plan) => plan.features.includes(feature));
}

/** What a plan costs per month under this billing, in whole units. */
export function perMonth(price: number, term: Billing): number {
  return term === "monthly" ? price : Math.round((price * (12 - content.monthsFreeByYear)) / 12);
}

export function money(amount: number): string {
  return `${content.currency}${amount.toLocaleString("en-GB")}`;
}

/** The bill for a number of seats: what it costs a month, and what paying by the year saves. */
export function cost(name: string, term: Billing, seats: number) {
  const price = content.plans.find((plan) => plan.name === name)?.price ?? 0;
  return {
    monthly: money(perMonth(price, term) * seats),
    saved: money((price - perMonth(price, "yearly")) * seats * 12),
  };
}

/** What stands in the field that an event came from. */
export function value(event: { target: EventTarget | null }): string {
  return (event.target as HTMLSelectElement).value;
}
