// The live connection: websocket, else SSE, else polling. Every numbered event exactly once and in order.
const FIRST_RETRY = 400;
const LONGEST_RETRY = 15_000;
const POLL_EVERY = 1_500;
/** So many failures without one message, and the next kind of connection is tried. */
const PATIENCE = 2;
/** The server says something at least every 15 s; a socket that is silent for longer is dead. */
const SILENCE = 40_000;
/** After so many polls a better connection is tried again. */
const POLLS = 20;
/** Answers that will not change by asking again: signed out, or the project is gone. */
const FINAL = new Set([401, 403, 404]);
/** With this code the server closes a socket that may not come back. */
const GONE = 4404;

/**
 * @param {{ws: string, stream: string, events: string, cursor: number}} where  addresses and the newest id the page has
 * @param {(events: object[]) => void} deliver  called with what is new, in order
 * @param {(state: "live"|"lost"|"poll"|"offline"|"gone"|"missing") => void} status
 */
export function connect({ ws, stream, events, cursor }, deliver, status) {
  let kind = "ws";
  let close = () => {};
  let failures = 0;
  let timer = 0;
  let filling = false;
  // The highest id seen behind a gap.
  let wanted = 0;
  // Bumped by every new connection: what an old one still says is ignored.
  let era = 0;
  let heardAt = Date.now();

  function take(event) {
    if (event.id === undefined || event.id === null) return deliver([event]);
    if (event.id <= cursor) return;
    if (event.id > cursor + 1) {
      wanted = Math.max(wanted, event.id);
      const mine = era;
      return fill().catch(() => failed(mine));
    }
    cursor = event.id;
    deliver([event]);
  }

  /** Something between was not delivered: ask for everything after the cursor. */
  async function fill() {
    if (filling) return;
    filling = true;
    try {
      // More may have come in while the answer was on its way.
      do {
        const answer = await ask();
        const fresh = answer.events.filter((event) => event.id > cursor).sort((a, b) => a.id - b.id);
        if (!fresh.length) wanted = cursor;
        cursor = Math.max(cursor, ...fresh.map((event) => event.id));
        deliver(fresh);
      } while (wanted > cursor);
    } finally {
      filling = false;
    }
  }
  async function ask() {
    const response = await fetch(`${events}?after=${cursor}&html=1`, { credentials: "same-origin" });
    if (FINAL.has(response.status)) gone(response.status === 404 ? "missing" : "gone");
    if (!response.ok) throw new Error(`events: ${response.status}`);
    return response.json();
  }

  function gone(why) {
    era += 1;
    close();
    status(why);
  }
  function heard(state = "live") {
    failures = 0;
    status(state);
  }
  function failed(mine) {
    if (mine !== era) return;
    close();
    failures += 1;
    if (failures >= PATIENCE && kind !== "poll") {
      kind = kind === "ws" ? "sse" : "poll";
      failures = 0;
    }
    status(navigator.onLine ? "lost" : "offline");
    // Jitter, so that not every page comes back in the same instant after a restart.
    const wait = Math.min(LONGEST_RETRY, FIRST_RETRY * 2 ** failures) * (0.5 + Math.random());
    clearTimeout(timer);
    timer = setTimeout(start, wait);
  }

  const kinds = {
    ws(mine) {
      const url = new URL(ws, location.href);
      url.protocol = url.protocol.replace("http", "ws");
      url.searchParams.set("after", cursor);
      const socket = new WebSocket(url);
      socket.onopen = () => heard();
      socket.onmessage = ({ data }) => {
        heardAt = Date.now();
        if (mine === era) take(JSON.parse(data));
      };
      socket.onclose = async ({ code }) => {
        if (code === GONE) await ask().catch(() => {}); // which tells why
        failed(mine);
      };
      heardAt = Date.now();
      const watch = setInterval(() => Date.now() - heardAt > SILENCE && failed(mine), 5_000);
      close = () => {
        clearInterval(watch);
        socket.onclose = null;
        socket.close();
      };
    },
    sse(mine) {
      const source = new EventSource(`${stream}?after=${cursor}&html=1`);
      const read = ({ data }) => mine === era && data && take(JSON.parse(data));
      let opened = false;
      source.onopen = () => {
        opened = true;
        heard();
      };
      source.onmessage = read;
      source.addEventListener("complete", read);
      source.onerror = () => {
        // The stream ends with the last run; what comes next is asked for now and then.
        if (opened) kind = "poll";
        failed(mine);
      };
      close = () => source.close();
    },
    poll(mine) {
      let polls = 0;
      const again = async () => {
        if (mine !== era) return;
        try {
          await fill();
          if (mine !== era) return;
          heard("poll");
          polls += 1;
          if (polls === POLLS) resume();
          else timer = setTimeout(again, POLL_EVERY);
        } catch {
          failed(mine);
        }
      };
      close = () => clearTimeout(timer);
      again();
    },
  };

  function start() {
    clearTimeout(timer);
    close();
    era += 1;
    kinds[kind](era);
  }
  /** After sleep or a lost network: the best kind first, at once, and what was missed. */
  function resume() {
    kind = "ws";
    failures = 0;
    start();
  }

  let hiddenAt = 0;
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) hiddenAt = Date.now();
    else if (Date.now() - hiddenAt > 20_000) resume();
  });
  addEventListener("online", resume);
  addEventListener("offline", () => status("offline"));
  addEventListener("pageshow", (event) => event.persisted && resume());
  addEventListener("pagehide", () => {
    era += 1;
    close();
  });
  start();
  return { resume, cursor: () => cursor };
}
