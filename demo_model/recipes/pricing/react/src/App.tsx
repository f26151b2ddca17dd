import { useState } from "react";
import { Compare } from "./components/Compare";
import { Footer } from "./components/Footer";
import { Header } from "./components/Header";
import { Hero } from "./components/Hero";
import { PlanCard } from "./components/PlanCard";
import { Questions } from "./components/Questions";
import { Savings } from "./components/Savings";
import { content } from "./content";
import type { Billing } from "./prices";

export default function App() {
  const [billing, setBilling] = useState<Billing>("monthly");
  const [chosen, setChosen] = useState(content.plans[content.popular]?.name ?? "");

  return (
    <div id="top">
      <Header />
      <main>
        <Hero billing={billing} onChange={setBilling} />
        <section id="plans" aria-label="Plans" className="shell">
          <ul className="grid grid-cols-1 items-stretch gap-5 lg:grid-cols-3">
            {content.plans.map((plan, index) => (
              <PlanCard
                key={plan.name}
                plan={plan}
                billing={billing}
                popular={index === content.popular}
                chosen={plan.name === chosen}
                onChoose={() => setChosen(plan.name)}
              />
            ))}
          </ul>
        </section>
        <Savings billing={billing} chosen={chosen} onChoose={setChosen} />
        <Compare />
        <Questions />
      </main>
      <Footer />
    </div>
  );
}
