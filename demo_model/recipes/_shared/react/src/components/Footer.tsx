import { content } from "../content";

const YEAR = new Date().getFullYear();

export function Footer() {
  return (
    <footer className="border-t border-line">
      <div className="shell flex flex-wrap items-center justify-between gap-x-8 gap-y-2 py-8 text-sm text-muted">
        <p>
          © {YEAR} {content.name}
        </p>
        <p>{content.footer}</p>
      </div>
    </footer>
  );
}
