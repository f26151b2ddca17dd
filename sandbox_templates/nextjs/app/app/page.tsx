import { Sparkles } from "lucide-react";

export default function Home() {
  return (
    <main className="relative isolate grid min-h-dvh place-items-center overflow-hidden px-6 py-16">
      <div
        aria-hidden="true"
        className="absolute left-1/2 top-1/2 -z-10 size-[40rem] -translate-x-1/2 -translate-y-1/2 rounded-full bg-radial from-indigo-200/70 to-transparent to-70% dark:from-indigo-500/20"
      />
      <div className="w-full max-w-md text-center">
        <div
          aria-hidden="true"
          className="mx-auto mb-10 w-64 rounded-2xl border border-slate-200 bg-white/80 p-4 shadow-xl shadow-indigo-950/5 backdrop-blur dark:border-white/10 dark:bg-white/5"
        >
          <div className="mb-4 flex gap-1.5">
            <span className="size-2 rounded-full bg-slate-200 dark:bg-white/15" />
            <span className="size-2 rounded-full bg-slate-200 dark:bg-white/15" />
            <span className="size-2 rounded-full bg-slate-200 dark:bg-white/15" />
          </div>
          <div className="mb-3 h-16 rounded-lg bg-linear-to-br from-indigo-500 to-violet-500 opacity-90" />
          <div className="grid grid-cols-3 gap-2 motion-safe:animate-pulse">
            <span className="h-9 rounded-md bg-slate-100 dark:bg-white/10" />
            <span className="h-9 rounded-md bg-slate-100 dark:bg-white/10" />
            <span className="h-9 rounded-md bg-slate-100 dark:bg-white/10" />
          </div>
        </div>
        <h1 className="flex items-center justify-center gap-2.5 text-xl font-semibold tracking-tight text-balance sm:text-2xl">
          <Sparkles aria-hidden="true" className="size-5 shrink-0 text-indigo-500 dark:text-indigo-400" />
          Your app will appear here
        </h1>
        <p className="mt-3 text-balance text-slate-600 dark:text-slate-400">
          This page updates by itself as the first version is written.
        </p>
      </div>
    </main>
  );
}
