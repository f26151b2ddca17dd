import { useState } from "react";
import type { FormEvent } from "react";

/** Keeps the address in this browser only: connect a mailing service where the comment says so. */
export function Newsletter() {
  const [done, setDone] = useState(false);

  function subscribe(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    // Send the address to your mailing service here.
    localStorage.setItem("newsletter", String(new FormData(event.currentTarget).get("email")));
    setDone(true);
  }

  return (
    <section id="newsletter" aria-labelledby="newsletter-title" className="shell py-16 md:py-24">
      <div className="rounded-[2rem] bg-accent px-6 py-12 text-center text-on-accent sm:px-12 md:py-16">
        <h2 id="newsletter-title" className="text-3xl leading-tight md:text-5xl">
          News, not noise
        </h2>
        <p className="mx-auto mt-4 max-w-lg text-lg">One short letter a month. Leave whenever you like.</p>
        <form onSubmit={subscribe} className="mx-auto mt-8 flex max-w-lg flex-wrap justify-center gap-3">
          <input
            name="email"
            type="email"
            required
            autoComplete="email"
            aria-label="E-mail address"
            placeholder="you@example.com"
            className="field w-auto min-w-0 grow basis-56"
          />
          <button type="submit" className="button-quiet text-ink">
            Sign up
          </button>
        </form>
        <output className="mt-4 block">{done ? "Thank you. The address is kept in this browser until a mailing service is connected." : ""}</output>
      </div>
    </section>
  );
}
