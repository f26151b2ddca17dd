// Bundles static/js, static/css, the font and the code editor into static/dist, each with a .gz and a .br beside it.
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
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

async function compress(path) {
  const bytes = await readFile(path);
  await writeFile(`${path}.gz`, await promisify(gzip)(bytes, { level: 9 }));
  await writeFile(`${path}.br`, await promisify(brotliCompress)(bytes));
}

if (process.argv.includes("--watch")) {
  for (const options of [pages, editor, styles]) {
    await (await esbuild.context({ ...options, minify: false })).watch();
  }
} else {
  await rm(OUT, { recursive: true, force: true });
  await mkdir(OUT, { recursive: true });
  await Promise.all([pages, editor, styles].map((options) => esbuild.build(options)));
  await copyFile("static/img/icons.svg", `${OUT}/icons.svg`);
  const texts = (await readdir(OUT)).filter((name) => /\.(js|css|svg)$/.test(name));
  await Promise.all(texts.map((name) => compress(`${OUT}/${name}`)));
}
