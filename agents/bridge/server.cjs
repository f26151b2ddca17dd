// Loaded into a preview's dev server by `node --require`: pages that are opened in a frame get bridge.js as their first script.
// It lies beside the app, not in it, so no version, download or share holds it; a page in a tab of its own stays as it is.
"use strict";
const { readFileSync } = require("node:fs");
const { IncomingMessage, Server, ServerResponse } = require("node:http");
const { join } = require("node:path");

const PATH = "/__vibe/bridge.js";
const TAG = `<script src="${PATH}"></script>`;
const FRAMED = new Set(["iframe", "frame"]);

/** Browsers leave the header out where the address is not trustworthy (plain http on a name of one's own). */
function isFramed({ method, headers }) {
  const to = headers["sec-fetch-dest"];
  if (method !== "GET") return false;
  return to ? FRAMED.has(to) : /text\/html/.test(headers.accept ?? "") && /Mozilla/.test(headers["user-agent"] ?? "");
}

const emit = Server.prototype.emit;
Server.prototype.emit = function (type, request, response) {
  if (type !== "request" || !(request instanceof IncomingMessage)) return emit.apply(this, arguments);
  if (request.url.split("?")[0] === PATH) {
    response.writeHead(200, { "Content-Type": "text/javascript; charset=utf-8", "Cache-Control": "no-cache" });
    response.end(readFileSync(join(__dirname, "bridge.js")));
    return true;
  }
  if (isFramed(request)) {
    // What is compressed cannot be added to, and what was kept without the script must not be shown again.
    for (const name of ["accept-encoding", "if-none-match", "if-modified-since"]) delete request.headers[name];
    response.vibe = "wanted";
  }
  return emit.apply(this, arguments);
};

const { writeHead, write, end } = ServerResponse.prototype;
/** Whether the answer is a page to be added to; known once its head is. */
function isPage(response, given) {
  const named = given && !Array.isArray(given) && Object.entries(given).find(([name]) => name.toLowerCase() === "content-type");
  return /text\/html/i.test(String(named?.[1] ?? response.getHeader("content-type") ?? ""));
}
ServerResponse.prototype.writeHead = function (status, ...rest) {
  if (this.vibe === "wanted") {
    const given = rest.find((value) => value && typeof value === "object");
    this.vibe = isPage(this, given) ? "page" : undefined;
    if (this.vibe) {
      this.removeHeader("content-length");
      for (const name of Object.keys(given ?? {})) if (name.toLowerCase() === "content-length") delete given[name];
    }
  }
  return writeHead.call(this, status, ...rest);
};
/** The piece with the tag in it; only the first piece that has a place for it. */
function added(response, chunk, encoding) {
  if (response.vibe === "wanted" && !response.headersSent && isPage(response)) {
    response.vibe = "page";
    response.removeHeader("content-length");
  }
  if (response.vibe !== "page" || !(typeof chunk === "string" || chunk instanceof Uint8Array)) return chunk;
  const text = typeof chunk === "string" ? chunk : Buffer.from(chunk).toString("latin1");
  const place = /<head[^>]*>/i.exec(text) ?? /<!doctype[^>]*>/i.exec(text) ?? /<(html|body)[^>]*>/i.exec(text);
  if (!place) return chunk;
  response.vibe = undefined;
  const at = place.index + place[0].length;
  const whole = text.slice(0, at) + TAG + text.slice(at);
  return typeof chunk === "string" ? whole : Buffer.from(whole, "latin1");
}
ServerResponse.prototype.write = function (chunk, encoding, callback) {
  return write.call(this, added(this, chunk, encoding), encoding, callback);
};
ServerResponse.prototype.end = function (chunk, encoding, callback) {
  return end.call(this, added(this, chunk, encoding), encoding, callback);
};
