import { cart } from "./cart";
import { shared } from "./store";

export type Name = "email" | "name" | "street" | "postcode" | "city";
export type Field = { name: Name; label: string; type: string; autocomplete: AutoFill; wide: boolean };
type AutoFill = "email" | "name" | "street-address" | "postal-code" | "address-level2";

export const FIELDS: Field[] = [
  { name: "email", label: "E-mail", type: "email", autocomplete: "email", wide: true },
  { name: "name", label: "Name", type: "text", autocomplete: "name", wide: true },
  { name: "street", label: "Street and number", type: "text", autocomplete: "street-address", wide: true },
  { name: "postcode", label: "Postcode", type: "text", autocomplete: "postal-code", wide: false },
  { name: "city", label: "Town", type: "text", autocomplete: "address-level2", wide: false },
];

export const DELIVERIES = [
  { name: "Standard", text: "Two to three days", price: 4.5 },
  { name: "Express", text: "Tomorrow, if you order before two", price: 9.5 },
  { name: "Pick it up", text: "At the shop, from noon", price: 0 },
];

const EMPTY: Record<Name, string> = { email: "", name: "", street: "", postcode: "", city: "" };

export const address = shared(EMPTY);
export const delivery = shared("Standard");

/** Whether the visitor has tried to order: only then are mistakes shown. */
export const tried = shared(false);

/** The number of the order once it is placed. */
export const placed = shared("");

export function put(name: Name, text: string) {
  address.set({ ...address.get(), [name]: text });
}

/** What is wrong with a field, "" when nothing is. */
export function wrong(name: Name, text: string): string {
  if (name === "email") return /^\S+@\S+\.\S+$/.test(text.trim()) ? "" : "We need an e-mail address, such as you@example.com.";
  if (name === "postcode") return /^[\w -]{3,10}$/.test(text.trim()) ? "" : "A postcode has three to ten letters or digits.";
  if (text.trim().length > 1) return "";
  return { name: "Who is it for?", street: "Where does it go?", city: "Which town?" }[name];
}

/** Places the order when every field is right, else goes to the first that is not. */
export function placeOrder() {
  const values = address.get();
  const first = FIELDS.find((field) => wrong(field.name, values[field.name]) !== "");
  tried.set(true);
  if (first) {
    document.getElementById(first.name)?.focus();
    return;
  }
  // Send the order to your server here.
  placed.set(`N° ${Date.now().toString().slice(-6)}`);
  cart.set([]);
  address.set(EMPTY);
  tried.set(false);
  scrollTo({ top: 0 });
}

/** What stands in the field that an event came from. */
export function value(event: { target: EventTarget | null }): string {
  return (event.target as HTMLInputElement).value;
}
