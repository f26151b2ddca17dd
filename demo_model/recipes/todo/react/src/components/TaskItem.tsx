import { useState } from "react";
import type { Task } from "../useTasks";

type Props = { task: Task; onChange: (part: Partial<Task>) => void; onRemove: () => void };

export function TaskItem({ task, onChange, onRemove }: Props) {
  const [text, setText] = useState(task.text);

  function keep() {
    if (text.trim()) onChange({ text: text.trim() });
    else setText(task.text);
  }

  return (
    <li className="group flex items-center gap-3 rounded-2xl border border-line bg-surface py-2 pr-2 pl-4 transition-colors focus-within:border-accent-text hover:border-muted">
      <input
        type="checkbox"
        checked={task.done}
        onChange={(event) => onChange({ done: event.target.checked })}
        aria-label={`Done: ${task.text}`}
        className="size-5 shrink-0 cursor-pointer"
      />
      <input
        value={text}
        onChange={(event) => setText(event.target.value)}
        onBlur={keep}
        onKeyDown={(event) => {
          if (event.key === "Enter") event.currentTarget.blur();
          if (event.key === "Escape") setText(task.text);
        }}
        aria-label="Task"
        className={`min-h-11 min-w-0 grow bg-transparent outline-none ${task.done ? "text-muted line-through" : ""}`}
      />
      <button
        type="button"
        aria-pressed={task.urgent}
        aria-label={`Urgent: ${task.text}`}
        onClick={() => onChange({ urgent: !task.urgent })}
        className="grid size-10 shrink-0 place-items-center rounded-full text-muted hover:bg-soft aria-pressed:text-accent-text"
      >
        <svg viewBox="0 0 24 24" className="size-5" fill={task.urgent ? "currentColor" : "none"} stroke="currentColor" strokeWidth="1.8" strokeLinejoin="round" aria-hidden="true">
          <path d="M6 21V4h11l-2.500 4L17 12H6" />
        </svg>
      </button>
      <button type="button" aria-label={`Delete: ${task.text}`} onClick={onRemove} className="grid size-10 shrink-0 place-items-center rounded-full text-muted hover:bg-soft hover:text-ink">
        <svg viewBox="0 0 24 24" className="size-5" fill="none" stroke="currentColor" strokeWidth="1.8" strokeLinecap="round" aria-hidden="true">
          <path d="M7 7l10 10M17 7L7 17" />
        </svg>
      </button>
    </li>
  );
}
