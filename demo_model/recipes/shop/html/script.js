// The shop: shelves, one product, the cart and the checkout. What is in the cart stays in this browser.
import { currency, options, products } from "./products.js";

const KEY = "cart";
const FREE_FROM = 60;
const DELIVERY = { Standard: 4.5, Express: 9.5, "Pick it up": 0 };
const find = (selector) => document.querySelector(selector);
const money = (amount) => `${currency}${amount.toFixed(2).replace(".00", "")}`;
const highest = Math.ceil(Math.max(...products.map((product) => product.price)));

let cart = stored();
let kind = "All";
let option = options.values[0];
let quantity = 1;

function stored() {
  try {
    const value = JSON.parse(localStorage.getItem(KEY) ?? "null");
    if (Array.isArray(value)) return value;
  } catch {
    // Unreadable storage: begin with an empty cart.
  }
  return [];
}

function keep(next) {
  cart = next.filter((line) => line.quantity > 0);
  try {
    localStorage.setItem(KEY, JSON.stringify(cart));
  } catch {
    // Storage can be full or switched off; the cart then lasts as long as the page.
  }
  drawCart();
}

function add(slug, chosen, pieces) {
  const line = cart.find((one) => one.slug === slug && one.option === chosen);
  if (line) keep(cart.map((one) => (one === line ? { ...one, quantity: one.quantity + pieces } : one)));
  else keep([...cart, { slug, option: chosen, quantity: pieces }]);
}

function make(tag, words = "", attributes = {}) {
  const element = document.createElement(tag);
  element.textContent = words;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

function still(product) {
  const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  drawing.setAttribute("viewBox", "0 0 400 400");
  drawing.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#still-${products.indexOf(product) % 8}`);
  drawing.append(use);
  return drawing;
}

// The shelves
function card(product) {
  const item = make("li", "", { class: "product" });
  const picture = make("a", "", { href: `#/products/${product.slug}`, tabindex: "-1", "aria-hidden": "true" });
  const title = make("h3");
  const foot = make("div", "", { class: "product-foot" });
  const put = make("button", "+", { class: "icon-button", type: "button", "aria-label": `Add ${product.title} to the cart` });
  picture.append(still(product));
  title.append(make("a", product.title, { href: `#/products/${product.slug}` }));
  put.addEventListener("click", () => add(product.slug, options.values[0], 1));
  foot.append(make("b", money(product.price)), put);
  item.append(picture, title, make("p", product.kind, { class: "small muted" }), foot);
  return item;
}

function drawShelf() {
  const most = Number(find("[data-price]").value);
  const order = find("[data-sort]").value;
  const shown = products.filter((product) => (kind === "All" || product.kind === kind) && product.price <= most);
  if (order === "Name") shown.sort((one, other) => one.title.localeCompare(other.title));
  if (order === "Price, low first") shown.sort((one, other) => one.price - other.price);
  if (order === "Price, high first") shown.sort((one, other) => other.price - one.price);
  find("[data-most]").textContent = money(most);
  find("[data-found]").textContent = `${shown.length} of ${products.length} pieces`;
  find("[data-products]").replaceChildren(...shown.map(card));
  find("[data-nothing]").hidden = shown.length > 0;
}

function chips(place, names, isOn, choose) {
  const buttons = names.map((name) => {
    const button = make("button", name, { class: "chip", type: "button", "aria-pressed": String(isOn(name)) });
    button.addEventListener("click", () => {
      choose(name);
      for (const one of buttons) one.setAttribute("aria-pressed", String(isOn(one.textContent)));
    });
    return button;
  });
  place.replaceChildren(...buttons);
}

// One product
function drawProduct(slug) {
  const product = products.find((one) => one.slug === slug);
  if (!product) {
    location.hash = "#/";
    return;
  }
  option = options.values[0];
  quantity = 1;
  find("[data-still]").setAttribute("href", `#still-${products.indexOf(product) % 8}`);
  find("[data-kind]").textContent = product.kind;
  find("[data-title]").textContent = product.title;
  find("[data-cost]").textContent = money(product.price);
  find("[data-text]").textContent = product.text;
  find("[data-option-label]").textContent = options.label;
  find("[data-quantity]").textContent = "1";
  find("[data-added]").textContent = "";
  chips(find("[data-options]"), options.values, (name) => name === option, (name) => (option = name));
  find("[data-add]").onclick = () => {
    add(slug, option, quantity);
    find("[data-added]").replaceChildren(`${quantity} added. `, make("a", "Go to the cart", { href: "#/cart", class: "link" }));
  };
}

function step(by) {
  quantity = Math.max(1, quantity + by);
  find("[data-quantity]").textContent = String(quantity);
}

// The cart and what it costs
function sums() {
  const goods = cart.reduce((sum, line) => sum + line.quantity * (productOf(line)?.price ?? 0), 0);
  const way = find("[name=way]:checked").value;
  const delivery = way === "Standard" && goods >= FREE_FROM ? 0 : DELIVERY[way];
  return { goods, delivery, total: goods + delivery, missing: Math.max(0, FREE_FROM - goods) };
}

function productOf(line) {
  return products.find((product) => product.slug === line.slug);
}

function lineItem(line) {
  const product = productOf(line);
  const item = make("li", "", { class: "line" });
  const words = make("div");
  const stepper = make("div", "", { class: "stepper" });
  const change = (pieces) => keep(cart.map((one) => (one === line ? { ...one, quantity: pieces } : one)));
  for (const [sign, label, by] of [["−", "less", -1], ["+", "more", 1]]) {
    const button = make("button", sign, { type: "button", "aria-label": `One ${product.title} ${label}` });
    button.addEventListener("click", () => change(line.quantity + by));
    stepper.append(button);
  }
  stepper.firstChild.after(make("output", String(line.quantity)));
  const remove = make("button", "Remove", { type: "button", class: "link small", "aria-label": `Take ${product.title} out` });
  remove.addEventListener("click", () => change(0));
  words.append(make("h2", product.title, { class: "line-title" }), make("p", line.option, { class: "small muted" }));
  item.append(still(product), words, stepper, make("b", money(product.price * line.quantity)), remove);
  return item;
}

function drawCart() {
  const lines = cart.filter(productOf);
  const { goods, delivery, total, missing } = sums();
  const rows = [["Goods", money(goods)], ["Delivery", delivery ? money(delivery) : "Free"], ["Total", money(total)]];
  find("[data-count]").textContent = String(lines.reduce((sum, line) => sum + line.quantity, 0));
  find("[data-lines]").replaceChildren(...lines.map(lineItem));
  find("[data-full]").hidden = find("[data-checkout]").hidden = lines.length === 0;
  find("[data-empty]").hidden = lines.length > 0;
  find("[data-missing]").textContent = missing ? `${money(missing)} more and standard delivery is free.` : "Standard delivery is free from here.";
  for (const list of document.querySelectorAll("[data-totals]")) {
    list.replaceChildren(...rows.map(([name, value]) => {
      const row = make("div");
      row.append(make("dt", name), make("dd", value));
      return row;
    }));
  }
  find("[data-order]").replaceChildren(...lines.map((line) => {
    const row = make("li");
    row.append(make("span", `${line.quantity} × ${productOf(line).title}`), make("span", money(productOf(line).price * line.quantity)));
    return row;
  }));
}

// The checkout
const RULES = {
  email: [/^\S+@\S+\.\S+$/, "We need an e-mail address, such as you@example.com."],
  name: [/\S{2}/, "Who is it for?"],
  street: [/\S{2}/, "Where does it go?"],
  postcode: [/^[\w -]{3,10}$/, "A postcode has three to ten letters or digits."],
  city: [/\S{2}/, "Which town?"],
};

function check(input) {
  const [rule, words] = RULES[input.name];
  const right = rule.test(input.value.trim());
  let note = input.parentElement.querySelector(".problem");
  if (!note) {
    note = make("span", "", { class: "problem", id: `${input.name}-problem` });
    input.parentElement.append(note);
    input.setAttribute("aria-describedby", note.id);
  }
  note.textContent = right ? "" : words;
  input.setAttribute("aria-invalid", String(!right));
  return right;
}

function order(event) {
  event.preventDefault();
  const fields = [...find("[data-form]").elements].filter((input) => input.name in RULES);
  const wrong = fields.filter((input) => !check(input));
  for (const input of fields) input.oninput = () => check(input);
  if (wrong.length) {
    wrong[0].focus();
    return;
  }
  // Send the order to your server here.
  find("[data-number]").textContent = `Your order N° ${Date.now().toString().slice(-6)} is in. This is a sample shop: nothing was charged and nothing will be sent.`;
  find("[data-form]").reset();
  keep([]);
  find("[data-thanks]").hidden = false;
  find("[data-checkout-title]").textContent = "Thank you.";
}

// The address after the # says what is shown.
function route() {
  const [, page = "", slug = ""] = location.hash.startsWith("#/") ? location.hash.slice(1).split("/") : [];
  const shown = ["products", "cart", "checkout"].includes(page) ? page : "home";
  for (const view of document.querySelectorAll("[data-view]")) view.hidden = view.dataset.view !== shown;
  if (shown === "products") drawProduct(slug);
  if (shown === "checkout") {
    find("[data-thanks]").hidden = cart.length > 0;
    find("[data-number]").textContent = "There is nothing to check out yet.";
    find("[data-checkout-title]").textContent = "Checkout";
  }
  scrollTo({ top: 0, behavior: "instant" });
}

const price = find("[data-price]");
price.max = price.value = String(highest);
price.addEventListener("input", drawShelf);
find("[data-sort]").addEventListener("change", drawShelf);
find("[data-less]").addEventListener("click", () => step(-1));
find("[data-more]").addEventListener("click", () => step(1));
find("[data-form]").addEventListener("submit", order);
find(".ways").addEventListener("change", drawCart);
chips(find("[data-kinds]"), ["All", ...new Set(products.map((product) => product.kind))], (name) => name === kind, (name) => {
  kind = name;
  drawShelf();
});
if (products[0]) {
  find("[data-first]").textContent = `Look at ${products[0].title}`;
  find("[data-first]").href = `#/products/${products[0].slug}`;
}
addEventListener("hashchange", () => (location.hash.startsWith("#/") || !location.hash) && route());
drawShelf();
drawCart();
route();
