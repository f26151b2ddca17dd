import { useState } from "react";
import { Composer } from "./components/Composer";
import { Footer } from "./components/Footer";
import { Header } from "./components/Header";
import { Lane } from "./components/Lane";
import { content } from "./content";
import { useBoard } from "./useBoard";
import { useDrag } from "./useDrag";

export default function App() {
  const board = useBoard();
  const [search, setSearch] = useState("");
  const [news, setNews] = useState("");
  const shown = board.cards.filter((card) => card.text.toLowerCase().includes(search.trim().toLowerCase()));

  function move(id: string, lane: number, before?: string) {
    if (!content.lanes[lane]) return;
    board.move(id, lane, before);
    setNews(`Moved to ${content.lanes[lane]}`);
  }

  const { dragged, over } = useDrag(move);

  return (
    <div id="top" className="flex min-h-dvh flex-col">
      <Header />
      <main className="shell grow py-8 md:py-12">
        <div className="mb-8 grid grid-cols-1 items-end gap-6 lg:grid-cols-[1fr_auto]">
          <div>
            <h1 className="text-4xl leading-tight md:text-5xl">{content.headline}</h1>
            <p className="mt-2 text-muted">{content.lede}</p>
          </div>
          <input
            type="search"
            value={search}
            onChange={(event) => setSearch(event.target.value)}
            aria-label="Search cards"
            placeholder="Search cards"
            className="field lg:w-72"
          />
        </div>
        <Composer onAdd={board.add} />
        <div className="grid grid-cols-1 gap-4 sm:grid-cols-2 xl:grid-cols-4">
          {content.lanes.map((name, lane) => (
            <Lane
              key={name}
              name={name}
              lane={lane}
              cards={shown.filter((card) => card.lane === lane)}
              dragged={dragged}
              over={dragged !== null && over === lane}
              onMove={move}
              onNudge={board.nudge}
              onRemove={board.remove}
            />
          ))}
        </div>
        <output className="sr-only">{news}</output>
      </main>
      <Footer />
    </div>
  );
}
