import { content } from "./content";
import { kept } from "./store";

export type Task = { id: string; text: string; done: boolean; urgent: boolean };

const STARTER: Task[] = content.tasks.map((text, index) => ({
  id: `start-${index}`,
  text,
  done: index === 0,
  urgent: index === 1,
}));

/** The list. It lives in this browser. */
export const tasks = kept("tasks", STARTER);

export function add(text: string) {
  tasks.set([{ id: Date.now().toString(36), text, done: false, urgent: false }, ...tasks.get()]);
}

export function change(id: string, part: Partial<Task>) {
  tasks.set(tasks.get().map((task) => (task.id === id ? { ...task, ...part } : task)));
}

export function remove(id: string) {
  tasks.set(tasks.get().filter((task) => task.id !== id));
}

export function clearDone() {
  tasks.set(tasks.get().filter((task) => !task.done));
}

/** What stands in the field that an event came from. */
export function value(event: { target: EventTarget | null }): string {
  return (event.target as HTMLInputElement).value;
}

/** Enter and Escape leave the field. */
export function leave(event: { key: string; target: EventTarget | null; preventDefault: () => void }) {
  if (event.key !== "Enter" && event.key !== "Escape") return;
  event.preventDefault();
  (event.target as HTMLElement).blur();
}
