import { content } from "../content";
import { Cover } from "./Cover";

/** The first story, large. */
export function Lead() {
  const post = content.posts[0];
  if (!post) return null;

  return (
    <a href="#story-1" className="group mb-14 grid grid-cols-1 overflow-hidden rounded-[2rem] border border-line bg-surface lg:grid-cols-[1.3fr_1fr]">
      <Cover index={0} className="h-full min-h-64" />
      <div className="flex flex-col justify-center p-7 md:p-12">
        <p className="text-sm text-muted">
          <span className="font-medium text-accent-text">{post.tag}</span> · {post.minutes} min
        </p>
        <h2 className="mt-3 text-3xl leading-tight md:text-[2.75rem]">{post.title}</h2>
        <p className="mt-4 text-lg text-muted">{post.excerpt}</p>
        <span className="mt-7 font-semibold underline decoration-accent decoration-2 underline-offset-8">
          Read it <span aria-hidden="true">→</span>
        </span>
      </div>
    </a>
  );
}
