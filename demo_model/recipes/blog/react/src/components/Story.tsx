import { useEffect } from "react";
import { content } from "../content";
import { Cover } from "./Cover";

export function Story({ index }: { index: number }) {
  const post = content.posts[index];
  const next = (index + 1) % content.posts.length;

  useEffect(() => {
    window.scrollTo({ top: 0, behavior: "instant" });
  }, []);

  if (!post) return null;

  return (
    <article className="pb-20">
      <div className="shell max-w-3xl py-12 text-center md:py-16">
        <p className="text-sm text-muted">
          <a href="#stories" className="font-medium text-accent-text underline underline-offset-4">
            All stories
          </a>{" "}
          · {post.tag} · {post.minutes} min
        </p>
        <h1 className="mt-4 text-[clamp(2.3rem,6vw,4rem)] leading-tight">{post.title}</h1>
        <p className="mt-4 text-xl text-pretty text-muted">{post.excerpt}</p>
      </div>
      <div className="shell">
        <Cover index={index} className="max-h-112 rounded-[2rem]" />
      </div>
      <div className="shell max-w-2xl pt-12">
        {post.body.map((paragraph, at) => (
          <p
            key={paragraph}
            className={`mb-6 text-lg leading-relaxed text-pretty md:text-xl md:leading-relaxed ${at === 0 ? "first-letter:float-left first-letter:mr-3 first-letter:font-display first-letter:text-6xl first-letter:leading-[0.85] first-letter:text-accent-text" : ""}`}
          >
            {paragraph}
          </p>
        ))}
        <a href={`#story-${next + 1}`} className="mt-12 block rounded-3xl border border-line bg-surface p-6 hover:border-ink">
          <span className="text-sm text-muted">Next</span>
          <span className="mt-1 block font-display text-2xl">{content.posts[next]?.title}</span>
        </a>
      </div>
    </article>
  );
}
