import { useState } from "react";
import type { FormEvent } from "react";

const EMAIL = "hello@example.com";

export function Contact() {
  const [drafted, setDrafted] = useState(false);

  function send(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const body = encodeURIComponent(`${String(form.get("message"))}\n\n${String(form.get("name"))}`);
    window.location.href = `mailto:${EMAIL}?subject=Hello&body=${body}`;
    setDrafted(true);
  }

  return (
    <section id="contact" aria-labelledby="contact-title" className="shell py-16 md:py-24">
      <div className="grid grid-cols-1 gap-10 rounded-[2rem] border border-line bg-surface p-6 sm:p-10 lg:grid-cols-2">
        <div>
          <h2 id="contact-title" className="text-3xl leading-tight md:text-5xl">
            Say hello
          </h2>
          <p className="mt-4 max-w-md text-lg text-muted">A few lines are enough. A person reads every message.</p>
          <a href={`mailto:${EMAIL}`} className="mt-6 inline-block font-medium text-accent-text underline underline-offset-4">
            {EMAIL}
          </a>
        </div>
        <form onSubmit={send} className="grid content-start gap-4">
          <label className="grid gap-1.5 text-sm font-medium">
            Your name
            <input name="name" required autoComplete="name" className="field" />
          </label>
          <label className="grid gap-1.5 text-sm font-medium">
            Message
            <textarea name="message" required rows={4} className="field" />
          </label>
          <button type="submit" className="button justify-self-start">
            Write the e-mail
          </button>
          <output className="text-sm text-muted">{drafted ? "Your e-mail program has the draft." : ""}</output>
        </form>
      </div>
    </section>
  );
}
