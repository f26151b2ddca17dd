// Finds what would break the pages: scripts that do not parse, and links or files that are not there.
import { execFile } from "node:child_process";
import { readdir, readFile, stat } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const SKIPPED = new Set(["node_modules", ".git", "tools"]);
const REFERENCE = /\b(?:src|href)\s*=\s*["']([^"']+)["']/gi;
const ELSEWHERE = /^(?:[a-z][a-z0-9+.-]*:|\/\/|#|\?)/i;
// Comments, and what stands inside a script: only its tag names a file.
const UNSEEN = /<!--[\s\S]*?-->|(<script\b[^>]*>)[\s\S]*?(?=<\/script|$)/gi;
const run = promisify(execFile);

async function files(directory) {
  const entries = await readdir(directory, { withFileTypes: true });
  const found = entries.filter((entry) => !SKIPPED.has(entry.name)).map((entry) => {
    const path = join(directory, entry.name);
    return entry.isDirectory() ? files(path) : [path];
  });
  return (await Promise.all(found)).flat();
}

const isFile = async (path) => (await stat(path).catch(() => null))?.isFile() ?? false;

async function exists(path) {
  return (await isFile(path)) || (await isFile(`${path}.html`)) || (await isFile(join(path, "index.html")));
}

function decoded(address) {
  try {
    return decodeURI(address);
  } catch {
    return null;
  }
}

async function checkPage(path) {
  const html = (await readFile(path, "utf8")).replace(UNSEEN, "$1");
  const problems = [];
  for (const [, reference] of html.matchAll(REFERENCE)) {
    if (ELSEWHERE.test(reference) || reference.includes("${")) continue;
    const name = decoded(reference.replace(/[?#].*$/s, ""));
    if (name === null) {
      problems.push(`${relative(ROOT, path)}: "${reference}" is no address: write %25 for a percent sign`);
      continue;
    }
    const target = name.startsWith("/") ? join(ROOT, name) : join(dirname(path), name);
    if (!(await exists(target))) problems.push(`${relative(ROOT, path)}: "${reference}" does not exist`);
  }
  return problems;
}

async function checkScript(path) {
  const failure = await run(process.execPath, ["--check", path]).then(() => null, (error) => error);
  return failure ? [`${relative(ROOT, path)}: ${failure.stderr.trim()}`] : [];
}

async function check(path) {
  if (/\.html?$/i.test(path)) return checkPage(path);
  if (/\.m?js$/i.test(path)) return checkScript(path);
  return [];
}

const all = await files(ROOT);
const problems = (await Promise.all(all.map(check))).flat();
for (const problem of problems) console.error(problem);
console.log(problems.length ? `${problems.length} problems` : `${all.length} files checked, no problems`);
process.exitCode = problems.length ? 1 : 0;
