// The main calls of E2B's JavaScript SDK; argv: the host's address and key. Prints "all good" at the end.
import assert from "node:assert/strict";
import { Sandbox } from "@e2b/code-interpreter";

const [, , url, apiKey] = process.argv;
const options = { apiUrl: url, sandboxUrl: url, apiKey };
const sandbox = await Sandbox.create({ ...options, metadata: { from: "js" }, timeoutMs: 120_000 });

assert.equal((await sandbox.commands.run("echo $((6 * 7))")).stdout, "42\n");
await assert.rejects(sandbox.commands.run("exit 3"), { exitCode: 3 });
const seen = [];
const handle = await sandbox.commands.run("cat", { background: true, stdin: true, onStdout: (text) => seen.push(text) });
await sandbox.commands.sendStdin(handle.pid, "typed");
await sandbox.commands.closeStdin(handle.pid);
await handle.wait();
assert.equal(seen.join(""), "typed");

await sandbox.files.write([{ path: "a/one", data: "1" }, { path: "a/two", data: "2" }]);
assert.deepEqual((await sandbox.files.list("a")).map((entry) => entry.name).sort(), ["one", "two"]);
assert.equal(await sandbox.files.read("a/one"), "1");
await sandbox.files.rename("a/one", "b");
assert.equal(await sandbox.files.exists("a/one"), false);
await sandbox.files.remove("a");

const terminal = await sandbox.pty.create({ cols: 80, rows: 24, onData: () => {} });
await sandbox.pty.resize(terminal.pid, { cols: 100, rows: 30 });
assert.equal(await sandbox.pty.kill(terminal.pid), true);

await sandbox.runCode("x = 20");
assert.equal((await sandbox.runCode("x + 22")).text, "42");
assert.equal((await sandbox.runCode("1 / 0")).error.name, "ZeroDivisionError");
const context = await sandbox.createCodeContext();
assert.equal((await sandbox.runCode("'x' in globals()", { context })).text, "False");

const found = await Sandbox.list({ ...options, query: { metadata: { from: "js" } } }).nextItems();
assert.deepEqual(found.map((one) => one.sandboxId), [sandbox.sandboxId]);
await sandbox.pause();
const again = await Sandbox.connect(sandbox.sandboxId, options);
assert.equal(await again.files.read("b"), "1");
assert.equal(again.getHost(3000), `3000-${sandbox.sandboxId}.localhost:${new URL(url).port}`);
assert.equal(await again.kill(), true);
assert.equal(await again.isRunning(), false);
console.log("all good");
