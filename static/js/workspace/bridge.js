// The workspace's end of agents/bridge/bridge.js: messages from the preview's frame, checked and cut. What comes is text of
// a page that may be hostile: it is shown as text, never as HTML, and a flood of it is dropped.
const LEVELS = new Set(["error", "warn", "info", "log"]);
const MOST_TEXT = 2_000;
const PER_SECOND = 40;

const text = (value, most = MOST_TEXT) => (typeof value === "string" ? value.slice(0, most) : "");
const CHECKED = {
  here: () => ({}),
  where: ({ path }) => (text(path).startsWith("/") ? { path: text(path) } : null),
  console: ({ level, text: said }) => (LEVELS.has(level) && text(said) ? { level, text: text(said) } : null),
  picked: ({ tag, selector, text: words, html, source }) => ({
    tag: text(tag, 40),
    selector: text(selector, 300),
    text: text(words, 160),
    html: text(html, 300),
    source: text(source, 200),
  }),
  unpicked: () => ({}),
};

/** Listens to `frame`. `on` has a function per message type; `origin()` is where the frame's page must come from. */
export function bridge(frame, origin, on) {
  let second = 0;
  let seen = {};
  const say = (type) => origin() && frame.contentWindow?.postMessage({ vibe: 1, type }, origin());

  addEventListener("message", ({ source, origin: from, data }) => {
    if (source !== frame.contentWindow || !origin() || from !== origin() || data?.vibe !== 1) return;
    if (!Object.hasOwn(CHECKED, data.type)) return;
    const now = Math.floor(Date.now() / 1000);
    if (now !== second) [second, seen] = [now, {}];
    // Counted by type: an app that logs without end can still be pointed into.
    seen[data.type] = (seen[data.type] ?? 0) + 1;
    if (seen[data.type] > PER_SECOND) return;
    const checked = CHECKED[data.type](data);
    if (!checked) return;
    if (data.type === "here") say("hello");
    on[data.type]?.(checked);
  });
  return { say };
}
