// Bundles static/js, static/css, the font and the code editor into static/dist, each with a .gz and a .br beside it.
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, gzip } from "node:zlib";
import * as esbuild from "esbuild";

const OUT = "static/dist";
const common = {
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  outdir: OUT,
  assetNames: "[name]",
  logLevel: "warning",
};
// One file per page, so that a page costs one request; shared code is small enough to repeat.
const pages = {
  ...common,
  entryPoints: ["site", "home", "projects", "showcase", "ui", "workspace", "shared"].map((name) => `static/js/${name}.js`),
  external: ["./editor.js", "./terminal.js"],
};
// The editor and the terminal open late: their cores and each language are files of their own.
const editor = { ...common, entryPoints: ["static/js/editor.js", "static/js/terminal.js"], splitting: true, chunkNames: "editor-[hash]" };
const styles = {
  ...common,
  entryPoints: ["static/css/site.css", "static/css/workspace.css", "static/css/terminal.css"],
  target: ["chrome123", "firefox121", "safari17.5"],
  loader: { ".woff2": "file" },
};

/** Writes a file's new content, and what it is compressed to, beside it: [from, to] each, to be put in its place. */
async function prepare(name, bytes) {
  const path = `${OUT}/${name}`;
  const old = await readFile(path).catch(() => null);
  if (old?.equals(bytes)) return [];
  // Servers know a version by the file itself, so that comes last: what goes by its name is then never older than it.
  const contents = { "": bytes };
  if (/\.(js|css|svg)$/.test(name)) contents[".gz"] = await promisify(gzip)(bytes, { level: 9 });
  if (contents[".gz"]) contents[".br"] = await promisify(brotliCompress)(bytes);
  const files = Object.entries(contents).reverse();
  return Promise.all(files.map(async ([ending, content]) => {
    const [from, to] = [`${path}${ending}.new`, `${path}${ending}`];
    await writeFile(from, content);
    return [from, to];
  }));
}

if (process.argv.includes("--watch")) {
  for (const options of [pages, editor, styles]) {
    await (await esbuild.context({ ...options, minify: false })).watch();
  }
} else {
  await mkdir(OUT, { recursive: true });
  // Sites that run serve these files: what is the same stays, and what is not is exchanged in one step.
  await rm(`${OUT}/.stamp`, { force: true });
  const built = await Promise.all([pages, editor, styles].map((options) => esbuild.build({ ...options, write: false })));
  const files = new Map(built.flatMap(({ outputFiles }) => outputFiles.map(({ path, contents }) => [basename(path), contents])));
  files.set("icons.svg", await readFile("static/img/icons.svg"));
  const changes = await Promise.all([...files].map(([name, bytes]) => prepare(name, bytes)));
  for (const [from, to] of changes.flat()) await rename(from, to);
  const left = (await readdir(OUT)).filter((name) => !files.has(name.replace(/\.(gz|br)$/, "")));
  await Promise.all(left.map((name) => rm(`${OUT}/${name}`)));
}
