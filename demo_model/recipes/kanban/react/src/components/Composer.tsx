import type { FormEvent } from "react";
import { content } from "../content";

export function Composer({ onAdd }: { onAdd: (text: string, lane: number, label: number) => void }) {
  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = event.currentTarget;
    const data = new FormData(form);
    const text = String(data.get("text")).trim();
    if (text) onAdd(text, 0, Number(data.get("label")));
    form.reset();
  }

  return (
    <form onSubmit={submit} className="mb-8 grid grid-cols-1 gap-3 rounded-3xl border border-line bg-surface p-3 sm:grid-cols-[1fr_auto_auto]">
      <input id="new-card" name="text" required maxLength={160} autoComplete="off" aria-label="New card" placeholder="What comes next?" className="field border-transparent" />
      <select name="label" aria-label="Label" className="field sm:w-40">
        {content.labels.map((label, index) => (
          <option key={label} value={index}>
            {label}
          </option>
        ))}
      </select>
      <button type="submit" className="button">
        Add card
      </button>
    </form>
  );
}
