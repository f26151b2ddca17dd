import { useState } from "react";
import type { FormEvent } from "react";

export function Composer({ onAdd }: { onAdd: (text: string) => void }) {
  const [text, setText] = useState("");

  function submit(event: FormEvent) {
    event.preventDefault();
    if (!text.trim()) return;
    onAdd(text.trim());
    setText("");
  }

  return (
    <form onSubmit={submit} className="flex gap-3">
      <input
        id="new"
        value={text}
        onChange={(event) => setText(event.target.value)}
        aria-label="New task"
        placeholder="What needs doing?"
        maxLength={200}
        autoComplete="off"
        className="field min-h-14 rounded-2xl px-5 text-lg"
      />
      <button type="submit" disabled={!text.trim()} className="button min-h-14 rounded-2xl px-6 disabled:opacity-50">
        Add
      </button>
    </form>
  );
}
