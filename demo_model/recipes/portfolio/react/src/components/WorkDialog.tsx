import { useEffect, useRef } from "react";
import { content } from "../content";
import { Art } from "./Art";

type Props = { index: number | null; onClose: () => void; onMove: (index: number) => void };

export function WorkDialog({ index, onClose, onMove }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const work = index === null ? undefined : content.works[index];
  const count = content.works.length;

  useEffect(() => {
    if (work) dialog.current?.showModal();
    else dialog.current?.close();
  }, [work]);

  return (
    <dialog
      ref={dialog}
      onClose={onClose}
      aria-label={work?.title ?? "Project"}
      className="m-auto w-[min(52rem,100%-2rem)] overflow-hidden rounded-[2rem] border border-line bg-surface p-0 text-ink backdrop:bg-black/60"
    >
      {work && index !== null && (
        <>
          <Art index={index} className="max-h-96" />
          <div className="p-6 md:p-10">
            <p className="text-sm text-muted">
              {work.tag}, {work.year}
            </p>
            <h3 className="mt-1 text-3xl md:text-4xl">{work.title}</h3>
            <p className="mt-4 text-lg text-muted">{work.text}</p>
            <div className="mt-8 flex flex-wrap justify-between gap-3">
              <button type="button" className="button-quiet" onClick={() => onMove((index + count - 1) % count)}>
                Previous
              </button>
              <button type="button" className="button-quiet" onClick={() => onMove((index + 1) % count)}>
                Next
              </button>
              <button type="button" className="button sm:ml-auto" onClick={onClose}>
                Close
              </button>
            </div>
          </div>
        </>
      )}
    </dialog>
  );
}
