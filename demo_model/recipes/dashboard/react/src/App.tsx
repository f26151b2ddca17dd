import { useState } from "react";
import { Entries } from "./components/Entries";
import { Footer } from "./components/Footer";
import { Header } from "./components/Header";
import { KeyFigures } from "./components/KeyFigures";
import { Ranges } from "./components/Ranges";
import { Shares } from "./components/Shares";
import { Trend } from "./components/Trend";
import { Week } from "./components/Week";
import { content } from "./content";

export default function App() {
  const [range, setRange] = useState(12);

  return (
    <div id="top">
      <Header />
      <main className="shell py-8 md:py-12">
        <div className="mb-8 flex flex-wrap items-end justify-between gap-5">
          <div>
            <h1 className="text-4xl leading-tight md:text-5xl">{content.headline}</h1>
            <p className="mt-2 text-muted">{content.lede}</p>
          </div>
          <Ranges range={range} onChange={setRange} />
        </div>
        <div className="grid grid-cols-1 gap-5 lg:grid-cols-3">
          <KeyFigures range={range} />
          <Trend range={range} />
          <Shares />
          <Entries />
          <Week />
        </div>
      </main>
      <Footer />
    </div>
  );
}
