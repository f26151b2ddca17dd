import { useEffect, useState } from "react";
import { content } from "./content";

export type Task = { id: string; text: string; done: boolean; urgent: boolean };

const KEY = "tasks";

function starter(): Task[] {
  return content.tasks.map((text, index) => ({ id: `start-${index}`, text, done: index === 0, urgent: index === 1 }));
}

function stored(): Task[] {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(KEY) ?? "null");
    return Array.isArray(value) ? (value as Task[]) : starter();
  } catch {
    return starter();
  }
}

/** The list and everything that can be done with it. It lives in this browser. */
export function useTasks() {
  const [tasks, setTasks] = useState(stored);

  useEffect(() => {
    try {
      localStorage.setItem(KEY, JSON.stringify(tasks));
    } catch {
      // Storage can be full or switched off; the list then lasts as long as the page.
    }
  }, [tasks]);

  return {
    tasks,
    add: (text: string) => setTasks((now) => [{ id: Date.now().toString(36), text, done: false, urgent: false }, ...now]),
    change: (id: string, part: Partial<Task>) =>
      setTasks((now) => now.map((task) => (task.id === id ? { ...task, ...part } : task))),
    remove: (id: string) => setTasks((now) => now.filter((task) => task.id !== id)),
    clearDone: () => setTasks((now) => now.filter((task) => !task.done)),
  };
}
