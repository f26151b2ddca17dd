import { useState } from "react";
import type { FormEvent } from "react";
import { content } from "../content";
import type { Shortlist } from "../useShortlist";

export function Enquiry({ shortlist }: { shortlist: Shortlist }) {
  const [sent, setSent] = useState(false);

  function send(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const lines = [form.get("message"), "", ...shortlist.titles.map((title) => `• ${title}`), "", form.get("name")];
    const body = encodeURIComponent(lines.map(String).join("\n"));
    window.location.href = `mailto:${content.email}?subject=${encodeURIComponent("Enquiry")}&body=${body}`;
    setSent(true);
  }

  return (
    <section id="enquiry" aria-labelledby="enquiry-title" className="shell pb-20 md:pb-28">
      <div className="grid grid-cols-1 gap-10 rounded-[2.5rem] border border-line bg-surface p-6 sm:p-10 lg:grid-cols-2 lg:p-14">
        <div>
          <h2 id="enquiry-title" className="text-3xl leading-tight md:text-5xl">
            Ask us anything
          </h2>
          <p className="mt-4 max-w-md text-lg text-muted">
            {shortlist.titles.length ? "You saved these. We will tell you more about each:" : "Save what you like above and it will be listed here."}
          </p>
          <ul className="mt-6 flex flex-wrap gap-2">
            {shortlist.titles.map((title) => (
              <li key={title}>
                <button type="button" onClick={() => shortlist.toggle(title)} className="rounded-full bg-soft px-4 py-2 text-sm font-medium text-accent-text">
                  {title} <span aria-hidden="true">×</span>
                  <span className="sr-only">(remove)</span>
                </button>
              </li>
            ))}
          </ul>
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
          <output className="text-sm text-muted">
            {sent ? "Your e-mail program has the draft. Send it when you are ready." : ""}
          </output>
        </form>
      </div>
    </section>
  );
}
