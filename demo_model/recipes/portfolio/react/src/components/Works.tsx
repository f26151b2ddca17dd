import { useState } from "react";
import { content } from "../content";
import { Art } from "./Art";
import { WorkDialog } from "./WorkDialog";

const TAGS = ["All", ...new Set(content.works.map((work) => work.tag))];

export function Works() {
  const [tag, setTag] = useState("All");
  const [open, setOpen] = useState<number | null>(null);

  return (
    <section id="work" aria-labelledby="work-title" className="shell pb-20 md:pb-28">
      <div className="mb-8 flex flex-wrap items-center justify-between gap-4 border-t border-line pt-8">
        <h2 id="work-title" className="text-2xl md:text-3xl">
          Selected work
        </h2>
        <div className="flex flex-wrap gap-2">
          {TAGS.map((name) => (
            <button
              key={name}
              type="button"
              aria-pressed={tag === name}
              onClick={() => setTag(name)}
              className="min-h-10 rounded-full border border-line px-4 text-sm font-medium transition-colors hover:border-ink aria-pressed:border-transparent aria-pressed:bg-accent aria-pressed:text-on-accent"
            >
              {name}
            </button>
          ))}
        </div>
      </div>
      <ul className="grid grid-cols-1 gap-x-6 gap-y-10 md:grid-cols-2">
        {content.works.map((work, index) => (
          <li key={work.title} hidden={tag !== "All" && work.tag !== tag}>
            <button type="button" onClick={() => setOpen(index)} aria-haspopup="dialog" className="group block w-full text-left">
              <span className="block overflow-hidden rounded-[2rem]">
                <Art index={index} className="transition-transform duration-500 group-hover:scale-103" />
              </span>
              <span className="mt-4 flex items-baseline justify-between gap-4">
                <span className="font-display text-xl md:text-2xl">{work.title}</span>
                <span className="shrink-0 text-sm text-muted">
                  {work.tag}, {work.year}
                </span>
              </span>
            </button>
          </li>
        ))}
      </ul>
      <WorkDialog index={open} onClose={() => setOpen(null)} onMove={setOpen} />
    </section>
  );
}
