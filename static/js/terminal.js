// A terminal of xterm.js in an element, over a websocket. Loaded with the first shell that is opened.
import { FitAddon } from "@xterm/addon-fit";
import { Terminal } from "@xterm/xterm";

const COLOURS = {
  background: "#161a14",
  foreground: "#e3e6dc",
  cursor: "#c6f135",
  selectionBackground: "#4b5a26",
  black: "#161a14",
  brightBlack: "#7d8478",
  red: "#ff8f83",
  brightRed: "#ffb0a6",
  green: "#8fd96a",
  brightGreen: "#b4ef94",
  yellow: "#e8c766",
  brightYellow: "#f5dd94",
  blue: "#8fb8ff",
  brightBlue: "#b5d0ff",
  magenta: "#d9a6f2",
  brightMagenta: "#e9c6fa",
  cyan: "#7fd6d0",
  brightCyan: "#a9ebe6",
};

/** The page's policy takes only styles that carry its nonce; xterm.js makes elements of its own for its colours. */
function nonced(work) {
  const { nonce } = document.querySelector("script[nonce]");
  document.createElement = function (tag, ...rest) {
    const node = Document.prototype.createElement.call(this, tag, ...rest);
    if (tag === "style") node.nonce = nonce;
    return node;
  };
  try {
    work();
  } finally {
    delete document.createElement;
  }
}

/** Opens a shell in `box`. `ended(code)` is called once, with the socket's close code, `left()` when the keyboard wants out. Returns what can be done with it. */
export function open(box, url, ended, left) {
  const term = new Terminal({
    fontFamily: getComputedStyle(document.documentElement).getPropertyValue("--mono"),
    fontSize: 13,
    theme: COLOURS,
    cursorBlink: !matchMedia("(prefers-reduced-motion: reduce)").matches,
    scrollback: 5_000,
    screenReaderMode: true,
  });
  const fitter = new FitAddon();
  term.loadAddon(fitter);
  nonced(() => term.open(box));
  fitter.fit();
  const address = new URL(url, location.href);
  address.protocol = address.protocol.replace("http", "ws");
  address.searchParams.set("cols", term.cols);
  address.searchParams.set("rows", term.rows);
  const socket = new WebSocket(address);
  socket.binaryType = "arraybuffer";
  const bytes = new TextEncoder();
  socket.onmessage = ({ data }) => term.write(new Uint8Array(data));
  socket.onclose = ({ code }) => {
    term.options.cursorBlink = false;
    term.options.disableStdin = true;
    ended(code);
  };
  const isOpen = () => socket.readyState === WebSocket.OPEN;
  term.onData((text) => isOpen() && socket.send(bytes.encode(text)));
  term.onResize(({ cols, rows }) => isOpen() && socket.send(JSON.stringify({ cols, rows })));
  // Tab is the shell's; Shift+Escape is the way out by keyboard.
  term.attachCustomKeyEventHandler((event) => {
    if (event.key !== "Escape" || !event.shiftKey) return true;
    if (event.type === "keydown") left();
    return false;
  });
  const fit = () => box.offsetParent && fitter.fit();
  const watcher = new ResizeObserver(fit);
  watcher.observe(box);
  return {
    focus: () => term.focus(),
    fit,
    note: (text) => term.write(`\r\n\x1b[90m${text}\x1b[0m\r\n`),
    close() {
      watcher.disconnect();
      socket.onclose = null;
      socket.close();
      term.dispose();
    },
  };
}
