// Plans, the monthly and yearly switch, and the calculator. Change a price here and it changes everywhere.
const CURRENCY = "£";
const MONTHS_FREE_BY_YEAR = 2;
const POPULAR = 1;
const plans = «copy.tiers»;
const find = (selector, from = document) => from.querySelector(selector);
let billing = "monthly";
let chosen = plans[POPULAR].name;

const money = (amount) => `${CURRENCY}${amount.toLocaleString("en-GB")}`;
const yearly = (price) => Math.round((price * (12 - MONTHS_FREE_BY_YEAR)) / 12);
const perMonth = (price) => (billing === "monthly" ? price : yearly(price));

function card(plan, index) {
  const item = find("#plan").content.firstElementChild.cloneNode(true);
  const button = find("button", item);
  item.classList.toggle("popular", index === POPULAR);
  find("h2", item).textContent = plan.name;
  find("[data-text]", item).textContent = plan.text;
  find(".plan-price b", item).textContent = money(perMonth(plan.price));
  find("[data-terms]", item).textContent =
    billing === "yearly" ? `${money(perMonth(plan.price) * 12)} billed once a year` : "Billed monthly, cancel any time";
  find(".features", item).append(...plan.features.map(feature));
  button.className = index === POPULAR ? "button" : "button-quiet";
  button.dataset.choose = plan.name;
  button.setAttribute("aria-pressed", String(plan.name === chosen));
  button.textContent = plan.name === chosen ? `${plan.name} is chosen ✓` : `Choose ${plan.name}`;
  return item;
}

function feature(text) {
  const item = document.createElement("li");
  item.textContent = text;
  return item;
}

function draw() {
  find("[data-plans]").replaceChildren(...plans.map(card));
  const plan = plans.find((item) => item.name === chosen) ?? plans[0];
  const seats = Number(find("[data-seats]").value);
  const saved = money((plan.price - yearly(plan.price)) * seats * 12);
  find("[data-plan]").value = plan.name;
  find("[data-total]").textContent = money(perMonth(plan.price) * seats);
  find(".cost-result [data-terms]").textContent = `a month for ${seats}, ${billing === "yearly" ? "billed once a year" : "billed monthly"}`;
  find("[data-saved]").textContent = billing === "yearly" ? `You save ${saved} a year.` : `By the year you would save ${saved}.`;
}

find("[data-plan]").append(...plans.map((plan) => new Option(plan.name)));

find("[data-plan]").addEventListener("change", (event) => {
  chosen = event.target.value;
  draw();
});

find("[data-seats]").addEventListener("input", draw);

find("[data-billing]").addEventListener("change", (event) => {
  billing = event.target.value;
  draw();
});

find("[data-plans]").addEventListener("click", (event) => {
  const name = event.target.closest("[data-choose]")?.dataset.choose;
  if (!name) return;
  chosen = name;
  draw();
  find(`[data-choose="${CSS.escape(name)}"]`).focus();
});

draw();
