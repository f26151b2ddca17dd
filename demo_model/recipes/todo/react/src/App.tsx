import { useState } from "react";
import { Composer } from "./components/Composer";
import { Filters } from "./components/Filters";
import type { Filter } from "./components/Filters";
import { Footer } from "./components/Footer";
import { Header } from "./components/Header";
import { Progress } from "./components/Progress";
import { TaskItem } from "./components/TaskItem";
import { useTasks } from "./useTasks";

export default function App() {
  const { tasks, add, change, remove, clearDone } = useTasks();
  const [filter, setFilter] = useState<Filter>("all");
  const done = tasks.filter((task) => task.done).length;
  const shown = tasks.filter((task) => filter === "all" || task.done === (filter === "done"));

  return (
    <div id="top" className="flex min-h-dvh flex-col">
      <Header />
      <main className="grow">
        <div className="shell grid grid-cols-1 items-start gap-8 py-10 lg:grid-cols-[22rem_1fr] lg:gap-12 lg:py-16">
          <Progress done={done} total={tasks.length} />
          <section aria-label="Tasks">
            <Composer onAdd={add} />
            <Filters filter={filter} onChange={setFilter} open={tasks.length - done} done={done} onClear={clearDone} />
            {shown.length ? (
              <ul className="grid grid-cols-1 gap-2.5">
                {shown.map((task) => (
                  <TaskItem key={task.id} task={task} onChange={(part) => change(task.id, part)} onRemove={() => remove(task.id)} />
                ))}
              </ul>
            ) : (
              <p className="rounded-2xl border border-dashed border-line px-6 py-14 text-center text-muted">
                {filter === "done" ? "Nothing ticked off yet. The first one is the hardest." : "All clear. Add something, or enjoy it."}
              </p>
            )}
          </section>
        </div>
      </main>
      <Footer />
    </div>
  );
}
