// Requests to our own API: JSON in and out, the CSRF token, problem+json as errors that can be shown.
import { hide, signedOut } from "./banner.js";
import { $, $$ } from "./dom.js";

/** What the server refused, in words for a person. */
export class Refused extends Error {
  constructor(status, problem) {
    super(sentence(status, problem));
    this.status = status;
    this.problem = problem;
  }
}

function sentence(status, problem) {
  const first = Object.values(problem?.errors ?? {}).flat()[0];
  if (typeof first === "string") return first;
  if (problem?.detail) return problem.detail;
  if (status === 402) return "There are not enough credits for this.";
  if (status === 401 || status === 403) return "You are signed out. Sign in again; what you typed is kept.";
  if (status === 404) return "This is not here any more.";
  if (status === 429) return "That was a lot at once. Wait a moment and try again.";
  return problem?.title ?? "The server could not do that. Try again in a moment.";
}

export const token = () => $("[name=csrfmiddlewaretoken]")?.value ?? "";

/** Puts the token of now in the place of the page's own; false where there is none, or somebody else is signed in. */
async function renewToken() {
  const text = await fetch("/", { credentials: "same-origin" }).then((response) => response.text());
  const page = new DOMParser().parseFromString(text, "text/html");
  const field = $("[name=csrfmiddlewaretoken]", page);
  const [was, is] = [document, page].map((root) => $("[data-account]", root)?.dataset.account);
  if (!field || (was && was !== is)) return false;
  for (const old of $$("[name=csrfmiddlewaretoken]")) old.value = field.value;
  return true;
}

async function send(method, url, body, type, key) {
  const headers = { Accept: "application/json", "X-CSRFToken": token(), "X-Requested-With": "fetch" };
  if (type) headers["Content-Type"] = type;
  if (key) headers["Idempotency-Key"] = key;
  let response;
  try {
    response = await fetch(url, { method, headers, body, credentials: "same-origin" });
    // Signing in again, in another tab, made the token of this page an old one.
    if (response.status === 403 && method !== "GET" && (await renewToken())) {
      headers["X-CSRFToken"] = token();
      response = await fetch(url, { method, headers, body, credentials: "same-origin" });
      if (response.ok) hide("signed-out");
    }
  } catch {
    throw new Refused(0, { detail: "The server cannot be reached. Check the connection; nothing you typed is lost." });
  }
  // A form's answer to somebody whose session is over is the page to sign in on.
  if (response.status === 401 || (response.redirected && new URL(response.url).pathname.startsWith("/accounts/login"))) {
    signedOut();
    throw new Refused(401);
  }
  const isJson = response.headers.get("Content-Type")?.includes("json");
  const data = isJson ? await response.json() : await response.text();
  if (!response.ok) throw new Refused(response.status, isJson ? data : plain(response, data));
  return data;
}

/** The page's own views refuse in plain text. */
const plain = (response, text) => (response.headers.get("Content-Type")?.startsWith("text/plain") ? { detail: text } : null);

export const getJson = (url) => send("GET", url);
/** A page of ours as a document. */
export const getPage = async (url) => new DOMParser().parseFromString(await send("GET", url), "text/html");
export const putJson = (url, body) => send("PUT", url, JSON.stringify(body), "application/json");
export const patchJson = (url, body) => send("PATCH", url, JSON.stringify(body), "application/json");
export const remove = (url) => send("DELETE", url);
/** With a `key`, what is sent again with the same one is answered again and not done again, where the server takes one. */
export const postJson = (url, body = {}, key = null) => send("POST", url, JSON.stringify(body), "application/json", key);
/** Posts what a <form> holds; the answer's HTML is not needed. */
export const postForm = (url, fields) => send("POST", url, new URLSearchParams(fields), "application/x-www-form-urlencoded");
