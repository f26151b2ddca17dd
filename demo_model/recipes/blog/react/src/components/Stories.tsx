import { useState } from "react";
import { content } from "../content";
import { Cover } from "./Cover";
import { Lead } from "./Lead";

const TAGS = ["All", ...new Set(content.posts.map((post) => post.tag))];

export function Stories() {
  const [tag, setTag] = useState("All");
  const [search, setSearch] = useState("");
  const wanted = search.trim().toLowerCase();
  const filtered = wanted !== "" || tag !== "All";
  const shown = content.posts
    .map((post, index) => ({ post, index }))
    .filter(({ index }) => filtered || index > 0)
    .filter(({ post }) => tag === "All" || post.tag === tag)
    .filter(({ post }) => `${post.title} ${post.excerpt} ${post.body.join(" ")}`.toLowerCase().includes(wanted));

  return (
    <div className="shell py-12 md:py-16">
      <h1 className="max-w-4xl text-[clamp(2.6rem,7vw,5.5rem)] leading-none">{content.headline}</h1>
      <p className="mt-5 max-w-xl text-lg text-pretty text-muted">{content.lede}</p>
      <div id="stories" className="mt-10 mb-8 flex flex-wrap items-center justify-between gap-4 border-y border-line py-4">
        <div className="flex flex-wrap gap-2">
          {TAGS.map((name) => (
            <button
              key={name}
              type="button"
              aria-pressed={tag === name}
              onClick={() => setTag(name)}
              className="min-h-10 rounded-full border border-line px-4 text-sm font-medium transition-colors hover:border-ink aria-pressed:border-transparent aria-pressed:bg-accent aria-pressed:text-on-accent"
            >
              {name}
            </button>
          ))}
        </div>
        <input type="search" value={search} onChange={(event) => setSearch(event.target.value)} aria-label="Search stories" placeholder="Search stories" className="field sm:w-64" />
      </div>
      {!filtered && <Lead />}
      <ul className="grid grid-cols-1 gap-x-6 gap-y-12 sm:grid-cols-2">
        {shown.map(({ post, index }) => (
          <li key={post.title}>
            <a href={`#story-${index + 1}`} className="group block">
              <Cover index={index} className="aspect-16/10 rounded-[1.75rem]" />
              <p className="mt-5 text-sm text-muted">
                <span className="font-medium text-accent-text">{post.tag}</span> · {post.minutes} min
              </p>
              <h2 className="mt-1 text-2xl leading-snug decoration-accent decoration-2 underline-offset-4 group-hover:underline md:text-3xl">{post.title}</h2>
              <p className="mt-2 text-muted">{post.excerpt}</p>
            </a>
          </li>
        ))}
      </ul>
      {!shown.length && <p className="py-16 text-center text-muted">Nothing about that yet.</p>}
    </div>
  );
}
