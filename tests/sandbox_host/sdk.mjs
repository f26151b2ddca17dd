// Every public method of E2B's JavaScript SDK against the host; argv: its address and key. Prints how many were called, and which not.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Sandbox, Secret, Template, Volume } from "@e2b/code-interpreter";

const [, , url, apiKey] = process.argv;
const options = { apiUrl: url, sandboxUrl: url, apiKey };

// Which methods there are, and which were called.
const declared = ["e2b", "@e2b/code-interpreter"].map((name) =>
  readFileSync(createRequire(import.meta.url).resolve(name).replace(/\.js$/, ".d.ts"), "utf8")).join("\n");
const hidden = new Set([...declared.matchAll(/^\s+(?:private|protected) (?:static |readonly |async |get )*(\w+)/gm)].map((m) => m[1]));
const known = new Set();
const called = new Set();
function note(name, holder, own) {
  for (const key of own) {
    const property = Object.getOwnPropertyDescriptor(holder, key);
    if (key === "constructor" || hidden.has(key) || typeof property?.value !== "function") continue;
    const original = property.value;
    known.add(`${name}.${key}`);
    Object.defineProperty(holder, key, { ...property, value(...given) {
      called.add(`${name}.${key}`);
      return original.apply(this, given);
    } });
  }
}
function notePrototypes(name, cls) {
  for (let at = cls.prototype; at && at !== Object.prototype; at = Object.getPrototypeOf(at)) note(name, at, Object.getOwnPropertyNames(at));
}
function noteStatics(name, cls) {
  for (let at = cls; at && at !== Function.prototype; at = Object.getPrototypeOf(at)) note(name, at, Object.getOwnPropertyNames(at));
}
for (const [name, cls] of Object.entries({ Sandbox, Secret, Volume })) { notePrototypes(name, cls); noteStatics(name, cls); }
noteStatics("Template", Template);
for (const local of ["Template.toJSON", "Template.toDockerfile"]) known.delete(local); // they describe, and speak to nobody

// Life.
const sandbox = await Sandbox.create({ ...options, metadata: { from: "js" }, envs: { GIVEN: "at create" }, timeoutMs: 60_000 });
for (const part of ["files", "commands", "pty", "git"]) notePrototypes(sandbox[part].constructor.name, sandbox[part].constructor);
const { sandboxId } = sandbox;
const until = (info) => info.endAt.getTime();
const first = await sandbox.getInfo();
assert.equal(first.metadata.from, "js");
assert.equal(until(await Sandbox.getInfo(sandboxId, options)), until(first));
assert.equal((await Sandbox.getFullInfo(sandboxId, options)).sandboxId, sandboxId);
await Sandbox.connect(sandboxId, { ...options, timeoutMs: 1000 });
assert.equal(until(await sandbox.getInfo()), until(first), "connect shortened the time");
await sandbox.connect({ timeoutMs: 600_000 });
assert.ok(until(await sandbox.getInfo()) > until(first));
await sandbox.setTimeout(90_000);
await Sandbox.setTimeout(sandboxId, 120_000, options);
assert.ok((await sandbox.getMetrics())[0].memTotal > 0);
assert.ok((await Sandbox.getMetrics(sandboxId, options))[0].cpuCount >= 1);
assert.equal(sandbox.getHost(3000), `3000-${sandboxId}.localhost:${new URL(url).port}`);
assert.equal(await sandbox.isRunning(), true);
const pages = Sandbox.list({ ...options, query: { metadata: { from: "js" } } });
notePrototypes("SandboxPaginator", pages.constructor);
assert.deepEqual((await pages.nextItems()).map((one) => one.sandboxId), [sandboxId]);

// Commands.
assert.equal((await sandbox.commands.run("echo $GIVEN $MORE; pwd", { envs: { MORE: "now" }, cwd: "/tmp" })).stdout, "at create now\n/tmp\n");
await assert.rejects(sandbox.commands.run("echo why >&2; exit 3"), { exitCode: 3, stderr: "why\n" });
await assert.rejects(sandbox.commands.run("sleep 1000", { timeoutMs: 300 }), { name: "TimeoutError" });
const seen = [];
const cat = await sandbox.commands.run("cat", { background: true, stdin: true });
notePrototypes("CommandHandle", cat.constructor);
// The one whose time was over may still be ending.
const listed = async () => (await sandbox.commands.list()).map((one) => one.pid);
for (let tries = 0; tries < 100 && (await listed()).length > 1; tries++) await new Promise((done) => setTimeout(done, 50));
assert.deepEqual(await listed(), [cat.pid]);
assert.equal(await sandbox.commands.supportsStdinClose, true);
await sandbox.commands.sendStdin(cat.pid, "typed ");
await cat.disconnect();
const again = await sandbox.commands.connect(cat.pid, { onStdout: (text) => seen.push(text) });
await again.sendStdin("later");
await sandbox.commands.closeStdin(cat.pid);
await again.wait();
assert.ok(seen.join("").endsWith("later"));
const reader = await sandbox.commands.run("cat", { background: true, stdin: true });
await reader.closeStdin();
assert.equal((await reader.wait()).exitCode, 0);
for (const end of [(handle) => handle.kill(), (handle) => sandbox.commands.kill(handle.pid)]) {
  const handle = await sandbox.commands.run("sleep 1000", { background: true });
  assert.equal(await end(handle), true);
  assert.equal(await sandbox.commands.kill(handle.pid), false);
}
const terminal = await sandbox.pty.create({ cols: 80, rows: 24, onData: (data) => seen.push(new TextDecoder().decode(data)) });
const second = await sandbox.pty.connect(terminal.pid, { onData: () => {} });
await second.disconnect();
await sandbox.pty.resize(terminal.pid, { cols: 100, rows: 30 });
await sandbox.pty.sendInput(terminal.pid, new TextEncoder().encode("stty size; exit 4\n"));
await assert.rejects(terminal.wait(), { exitCode: 4 });
assert.match(seen.join(""), /30 100/);
const other = await sandbox.pty.create({ cols: 80, rows: 24, onData: () => {} });
assert.equal(await sandbox.pty.kill(other.pid), true);

// Files.
await sandbox.files.write([{ path: "a/one", data: "1" }, { path: "a/two", data: "2" }]);
await sandbox.files.writeFiles([{ path: "a/three", data: new Blob(["3"]) }]);
assert.deepEqual((await sandbox.files.list("a")).map((entry) => entry.name).sort(), ["one", "three", "two"]);
for (const useOctetStream of [false, true]) for (const gzip of [false, true]) {
  await sandbox.files.write("a/big", "x".repeat(100_000), { useOctetStream, gzip, metadata: { form: "x" } });
  assert.equal((await sandbox.files.read("a/big", { format: "bytes" })).length, 100_000);
}
assert.equal((await (await sandbox.files.read("a/big", { format: "blob" })).text()).length, 100_000);
assert.equal((await new Response(await sandbox.files.read("a/big", { format: "stream" })).text()).length, 100_000);
assert.deepEqual((await sandbox.files.getInfo("a/big")).metadata, { form: "x" });
await sandbox.files.rename("a/one", "b");
assert.equal(await sandbox.files.exists("a/one"), false);
assert.equal(await sandbox.files.makeDir("seen"), true);
const events = [];
const watch = await sandbox.files.watchDir("seen", (event) => events.push(event.type));
notePrototypes("WatchHandle", watch.constructor);
await sandbox.files.write("seen/new", "x");
while (events.length < 3) await sandbox.commands.run("true");
assert.deepEqual(events, ["create", "chmod", "write"]);
await watch.stop();
await sandbox.files.remove("a");
await assert.rejects(sandbox.files.read("a/one"), { name: "FileNotFoundError" });
assert.equal((await fetch(await sandbox.uploadUrl("by-url", { useSignatureExpiration: 60_000 }), { method: "POST", body: "posted",
  headers: { "content-type": "application/octet-stream" } })).status, 200);
assert.equal(await (await fetch(await sandbox.downloadUrl("by-url"))).text(), "posted");

// Code.
await sandbox.runCode("x = 20");
assert.equal((await sandbox.runCode("x + 22")).text, "42");
assert.equal((await sandbox.runCode("1 / 0")).error.name, "ZeroDivisionError");
const context = await sandbox.createCodeContext({ cwd: "/tmp" });
assert.equal((await sandbox.runCode("'x' in globals()", { context })).text, "False");
assert.ok((await sandbox.listCodeContexts()).some((one) => one.id === context.id));
await sandbox.restartCodeContext(context);
await sandbox.removeCodeContext(context);

// Git, between two folders of the sandbox.
const [here, far, { git }] = ["/home/user/repo", "/home/user/far.git", sandbox];
await git.init(far, { bare: true, initialBranch: "main" });
await git.init(here, { initialBranch: "main" });
await git.configureUser("Ann", "ann@example.com");
await git.setConfig("pull.rebase", "false");
assert.equal(await git.getConfig("pull.rebase"), "false");
await git.remoteAdd(here, "origin", far);
assert.equal(await git.remoteGet(here, "origin"), far);
await sandbox.files.write(`${here}/a.txt`, "one");
await git.add(here);
await git.commit(here, "First");
await git.push(here, { remote: "origin", branch: "main" });
await git.clone(far, { path: "/home/user/copy" });
await git.pull(here, { remote: "origin", branch: "main" });
await git.createBranch(here, "next");
await git.checkoutBranch(here, "main");
assert.deepEqual((await git.branches(here)).branches.sort(), ["main", "next"]);
await git.deleteBranch(here, "next");
await sandbox.files.write(`${here}/a.txt`, "changed");
await git.restore(here, { paths: ["a.txt"] });
assert.equal((await git.status(here)).isClean, true);
await git.reset(here, { mode: "hard", target: "HEAD" });
await git.dangerouslyAuthenticate({ username: "ann", password: "s3cret", host: "git.invalid" });

// Rules, copies, sleep, end.
await sandbox.updateNetwork({ denyOut: ["0.0.0.0/0"] });
await Sandbox.updateNetwork(sandboxId, { allowOut: ["open.invalid"] }, options);
const made = [await sandbox.createSnapshot({ name: "js-a" }), await Sandbox.createSnapshot(sandboxId, { ...options, name: "js-b" })];
const copies = sandbox.listSnapshots();
notePrototypes("SnapshotPaginator", copies.constructor);
assert.equal((await copies.nextItems()).length, 2);
assert.equal((await Sandbox.listSnapshots({ ...options, name: "js-a" }).nextItems()).length, 1);
for (const one of made) assert.equal(await Sandbox.deleteSnapshot(one.snapshotId, options), true);
const forks = [...await sandbox.fork(), ...await Sandbox.fork(sandboxId, options)];
for (const one of forks) assert.equal(await one.files.read("b"), "1");
for (const one of forks) await Sandbox.kill(one.sandboxId, options);
assert.equal(await sandbox.pause(), true);
assert.equal(await Sandbox.pause(sandboxId, options), false);
assert.equal(await sandbox.betaPause(), false);
assert.equal(await Sandbox.betaPause(sandboxId, options), false);
assert.equal(await (await Sandbox.connect(sandboxId, options)).files.read("b"), "1");

// What only the cloud can do.
const volume = new Volume("v", "v", apiKey);
const there = { apiUrl: url };
const plan = Template().fromImage("debian").runCmd("true");
const build = { templateId: "t", buildId: "b" };
const refused = [
  () => Volume.create("v", options), () => Volume.connect("v", options), () => Volume.list(options), () => Volume.getInfo("v", options),
  () => Volume.destroy("v", options), () => volume.list("/", there), () => volume.getInfo("/a", there), () => volume.exists("/a", there),
  () => volume.makeDir("/a", there), () => volume.readFile("/a", there), () => volume.writeFile("/a", "x", there),
  () => volume.updateMetadata("/a", { mode: 0o600 }, there), () => volume.remove("/a", there),
  () => Secret.create("s", "x", options), () => Secret.update("s", "x", options), () => Secret.getInfo("s", options),
  () => Secret.exists("s", options), () => Secret.destroy("s", options), () => secrets.nextItems(),
  () => Template.build(plan, "t", options), () => Template.buildInBackground(plan, "t", options),
  () => Template.getBuildStatus(build, options), () => Template.assignTags("t:a", "b", options),
  () => Template.removeTags("t", "b", options), () => Template.getTags("t", options),
  () => Sandbox.create({ ...options, mcp: { github: {} } }),
];
const secrets = Secret.list(options);
notePrototypes("SecretPaginator", secrets.constructor);
for (const call of refused) await assert.rejects(async () => call(), /501.*embedded sandbox host/s, String(call));
assert.ok(Secret.fill("s") && Secret.iamToken({ audience: "x", tokenType: "jwt-svid" }));
assert.equal(await Template.exists("react", options), true);
assert.equal(await Template.aliasExists("none", options), false);
assert.ok(sandbox.getMcpUrl().endsWith("/mcp"));
await assert.rejects(sandbox.getMcpToken(), { name: "FileNotFoundError" });
assert.equal(await sandbox.kill(), true);
assert.equal(await sandbox.isRunning(), false);

console.log(JSON.stringify({ called: called.size, left: [...known].filter((name) => !called.has(name)) }));
process.exit(0);
