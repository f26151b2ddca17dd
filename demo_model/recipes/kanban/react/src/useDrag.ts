import { useEffect, useState } from "react";

type Move = (id: string, lane: number, before?: string) => void;

function holder(event: DragEvent, name: "card" | "lane"): string | undefined {
  const element = event.target instanceof Element ? event.target.closest<HTMLElement>(`[data-${name}]`) : null;
  return element?.dataset[name];
}

/** Drag and drop for the whole board: cards carry `data-card`, lanes `data-lane`. */
export function useDrag(onMove: Move) {
  const [dragged, setDragged] = useState<string | null>(null);
  const [over, setOver] = useState<number | null>(null);

  useEffect(() => {
    const page = new AbortController();
    const options = { signal: page.signal };

    function end() {
      setDragged(null);
      setOver(null);
    }

    document.addEventListener("dragstart", (event) => setDragged(holder(event, "card") ?? null), options);
    document.addEventListener("dragend", end, options);
    document.addEventListener(
      "dragover",
      (event) => {
        const lane = holder(event, "lane");
        if (lane) event.preventDefault();
        setOver(lane ? Number(lane) : null);
      },
      options,
    );
    document.addEventListener(
      "drop",
      (event) => {
        const lane = holder(event, "lane");
        if (!lane || !dragged) return;
        event.preventDefault();
        onMove(dragged, Number(lane), holder(event, "card"));
        end();
      },
      options,
    );
    return () => page.abort();
  }, [dragged, onMove]);

  return { dragged, over };
}
