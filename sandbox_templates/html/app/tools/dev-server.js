// Serves the folder above on port 3000 and reloads open pages when a file changes. Needs nothing but Node.
import { createReadStream, watch } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize, sep } from "node:path";
import { pipeline } from "node:stream";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const PORT = Number(process.env.PORT ?? 3000);
const EVENTS = "/__live-reload";
const IGNORED = new Set(["node_modules", ".git", "tools"]);
// Environment files, what tools keep, and keys: part of the project, but for nobody who only looks at the app.
const PRIVATE = /(?:^|[\\/])(?:\.(?!well-known[\\/])[^\\/]|id_(?:rsa|ed25519|ecdsa)$)|\.(?:pem|p12|pfx|keystore)$/i;
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".webmanifest": "application/manifest+json",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".md": "text/plain; charset=utf-8",
  ".xml": "application/xml",
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".jpeg": "image/jpeg",
  ".gif": "image/gif",
  ".webp": "image/webp",
  ".avif": "image/avif",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
  ".mp3": "audio/mpeg",
  ".mp4": "video/mp4",
  ".wasm": "application/wasm",
  ".pdf": "application/pdf",
};

// A changed stylesheet is swapped in place; anything else reloads the page.
const CLIENT = `<script type="module">
const events = new EventSource("${EVENTS}");
let lost = false;
events.onerror = () => { lost = true; };
events.onopen = () => { if (lost) location.reload(); };
events.onmessage = ({ data }) => {
  if (!data.endsWith(".css")) return location.reload();
  for (const link of document.querySelectorAll('link[rel="stylesheet"]')) {
    const url = new URL(link.href);
    if (url.origin !== location.origin) continue;
    url.searchParams.set("v", Date.now());
    link.href = url;
  }
};
</script>
`;

const listeners = new Set();

function listen(request, response) {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  response.write("retry: 500\n\n");
  listeners.add(response);
  request.on("close", () => listeners.delete(response));
}

/** The file a URL path means, or null: directories mean their index.html, `/about` means about.html. */
async function find(pathname) {
  const path = join(ROOT, normalize(decodeURIComponent(pathname)));
  if (!path.startsWith(ROOT) || path.includes("\0") || PRIVATE.test(path.slice(ROOT.length))) return null;
  const names = path.endsWith(sep) ? [join(path, "index.html")] : [path, `${path}.html`, join(path, "index.html")];
  for (const name of names) {
    const info = await stat(name).catch(() => null);
    if (info?.isFile()) return name;
  }
  return null;
}

/** The one part of a file that is asked for, as players of films do; null: all of it. Without bytes, start > end. */
function part(request, size) {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(request.headers.range ?? "") ?? [];
  if (request.method !== "GET" || request.headers["if-range"] || !(first || last)) return null;
  if (!first) return { start: Math.max(0, size - Number(last)), end: size - 1 };
  if (last && Number(last) < Number(first)) return null;
  return { start: Number(first), end: last ? Math.min(Number(last), size - 1) : size - 1 };
}

async function send(request, response, file, headers) {
  const { size } = await stat(file);
  const range = part(request, size);
  if (range && range.start > range.end) {
    response.writeHead(416, { ...headers, "content-range": `bytes */${size}` });
    return response.end();
  }
  const where = range && {
    "content-range": `bytes ${range.start}-${range.end}/${size}`,
    "content-length": range.end - range.start + 1,
  };
  response.writeHead(range ? 206 : 200, { ...headers, "accept-ranges": "bytes", ...where });
  // Closes the file also for a visitor who goes away in the middle.
  pipeline(createReadStream(file, range ?? {}), response, (error) => {
    if (error && error.code !== "ERR_STREAM_PREMATURE_CLOSE") console.error(error);
  });
}

async function serve(request, response) {
  const { pathname } = new URL(request.url, "http://app");
  if (pathname === EVENTS) return listen(request, response);
  const file = await find(pathname);
  if (!file) {
    response.writeHead(404, { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" });
    return response.end(`<!doctype html><title>Not found</title><h1>404</h1><p>There is no such file.</p>${CLIENT}`);
  }
  const type = TYPES[extname(file).toLowerCase()] ?? "application/octet-stream";
  const headers = { "content-type": type, "cache-control": "no-store" };
  if (!type.startsWith("text/html")) return send(request, response, file, headers);
  response.writeHead(200, headers);
  const html = await readFile(file, "utf8");
  const end = html.search(/<\/body\s*>(?![\s\S]*<\/body)/i);
  response.end(end < 0 ? html + CLIENT : html.slice(0, end) + CLIENT + html.slice(end));
}

const server = createServer((request, response) => {
  serve(request, response).catch((error) => {
    if (!response.headersSent) response.writeHead(error instanceof URIError ? 400 : 500);
    response.end();
    if (!(error instanceof URIError)) console.error(error);
  });
});
server.listen(PORT, "0.0.0.0", () => console.log(`Serving ${ROOT} on http://localhost:${PORT}/`));

// Editors and generators write several files at once: tell the pages once, 50 ms after the last of them.
const changed = new Set();
let timer;
watch(ROOT, { recursive: true }, (_event, name) => {
  if (!name || IGNORED.has(name.split(sep)[0])) return;
  changed.add(name);
  clearTimeout(timer);
  timer = setTimeout(() => {
    const onlyStyles = [...changed].every((path) => path.endsWith(".css"));
    changed.clear();
    for (const response of listeners) response.write(`data: ${onlyStyles ? "styles.css" : "page"}\n\n`);
  }, 50);
});
