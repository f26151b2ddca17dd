import { content } from "../content";
import { Glyph } from "./Glyph";

export function Header() {
  return (
    <header className="sticky top-0 z-20 border-b border-line bg-bg/85 backdrop-blur">
      <div className="shell flex h-16 items-center justify-between gap-4">
        <a href="#top" className="flex min-w-0 items-center gap-3 font-semibold">
          <span className="grid size-9 shrink-0 place-items-center rounded-xl bg-accent text-on-accent">
            <Glyph />
          </span>
          <span className="truncate">{content.name}</span>
        </a>
        <nav aria-label="Main" className="flex items-center gap-1 text-sm">
          {content.nav.map((link) => (
            <a
              key={link.href}
              href={link.href}
              className="hidden rounded-full px-3 py-2 text-muted transition-colors hover:bg-soft hover:text-ink md:block"
            >
              {link.label}
            </a>
          ))}
          <a href={content.action.href} className="button ml-2 min-h-10 whitespace-nowrap px-4 text-sm">
            {content.action.label}
          </a>
        </nav>
      </div>
    </header>
  );
}
