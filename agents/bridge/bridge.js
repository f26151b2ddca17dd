// In the preview's page: tells the workspace what the console says and which page is shown, and lets a person point at
// an element. Says nothing until the workspace has said hello; everything it sends is text, short, and not too often.
(() => {
  if (window.parent === window) return;
  const MOST_TEXT = 2000;
  const MOST_WAITING = 50;
  const PER_SECOND = 20;
  let home = "";
  let waiting = [];
  let second = 0;
  let sent = 0;

  function tell(message) {
    if (!home) {
      if (waiting.length < MOST_WAITING) waiting.push(message);
      return;
    }
    const now = Math.floor(Date.now() / 1000);
    if (now !== second) [second, sent] = [now, 0];
    if (message.type === "console") sent += 1;
    if (message.type !== "console" || sent <= PER_SECOND) window.parent.postMessage({ vibe: 1, ...message }, home);
  }
  addEventListener("message", ({ source, origin, data }) => {
    if (source !== window.parent || data?.vibe !== 1) return;
    if (data.type === "hello") {
      home = origin;
      const said = waiting;
      waiting = [];
      where();
      said.forEach(tell);
    } else if (data.type === "pick") pick();
    else if (data.type === "unpick") unpick();
    else if (data.type === "back") history.back();
    else if (data.type === "forward") history.forward();
  });

  // Who is there is no secret; the answer names the origin that everything else goes to.
  window.parent.postMessage({ vibe: 1, type: "here" }, "*");

  // --- What the page says ---------------------------------------------------------------------------------------------
  function words(value) {
    try {
      if (typeof value === "string") return value;
      if (value instanceof Error) return value.stack?.includes(value.message) ? value.stack : `${value}\n${value.stack ?? ""}`;
      if (value instanceof Element) return `<${value.tagName.toLowerCase()}>`;
      return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
    } catch {
      return Object.prototype.toString.call(value);
    }
  }
  /** Console arguments as one text; %s and its like are filled in, %c colours are left out. */
  function text(values) {
    const [first, ...rest] = values;
    const line = typeof first === "string" ? first.replace(/%[sdifoOc]/g, (mark) => (rest.length ? (mark === "%c" ? (rest.shift(), "") : words(rest.shift())) : mark)) : words(first);
    return [line, ...rest.map(words)].join(" ").slice(0, MOST_TEXT);
  }
  for (const level of ["error", "warn", "info", "log"]) {
    const plain = console[level];
    console[level] = function (...values) {
      if (values.length) tell({ type: "console", level, text: text(values) });
      return plain.apply(this, values);
    };
  }
  addEventListener("error", (event) => {
    const { target, error, message, filename, lineno } = event;
    if (target instanceof Element) {
      const from = target.currentSrc || target.src || target.href || "";
      if (from) tell({ type: "console", level: "error", text: `Could not load <${target.tagName.toLowerCase()}> from ${from}`.slice(0, MOST_TEXT) });
      return;
    }
    const place = filename ? `\n    at ${filename}:${lineno}` : "";
    tell({ type: "console", level: "error", text: `Uncaught ${error ? words(error) : message + place}`.slice(0, MOST_TEXT) });
  }, true);
  addEventListener("unhandledrejection", ({ reason }) => {
    tell({ type: "console", level: "error", text: `Unhandled rejection: ${words(reason)}`.slice(0, MOST_TEXT) });
  });

  // --- Which page is shown -------------------------------------------------------------------------------------------
  let last = "";
  function where() {
    const path = location.pathname + location.search + location.hash;
    if (!home || path === last) return;
    last = path;
    tell({ type: "where", path: path.slice(0, MOST_TEXT) });
  }
  for (const name of ["pushState", "replaceState"]) {
    const plain = history[name];
    history[name] = function (...values) {
      const answer = plain.apply(this, values);
      where();
      return answer;
    };
  }
  addEventListener("popstate", where);
  addEventListener("hashchange", where);

  // --- Pointing at an element ------------------------------------------------------------------------------------------
  let stop = null;
  const unpick = () => stop?.();

  function pick() {
    if (stop) return;
    const host = document.createElement("vibe-pick");
    const shade = host.attachShadow({ mode: "closed" });
    const box = document.createElement("div");
    const label = document.createElement("div");
    Object.assign(host.style, { position: "fixed", inset: "0", zIndex: "2147483647", cursor: "crosshair", display: "block" });
    Object.assign(box.style, { position: "fixed", border: "2px solid #7fb800", background: "rgb(190 240 60 / 22%)", borderRadius: "4px", pointerEvents: "none", display: "none" });
    Object.assign(label.style, { position: "fixed", font: "500 12px/1.5 ui-monospace, monospace", background: "#1c2112", color: "#e4ff8f", padding: "1px 7px", borderRadius: "5px", pointerEvents: "none", whiteSpace: "nowrap", display: "none" });
    shade.append(box, label);
    document.documentElement.append(host);
    let found = null;
    const under = (event) => {
      host.style.pointerEvents = "none";
      const element = document.elementFromPoint(event.clientX, event.clientY);
      host.style.pointerEvents = "";
      return element;
    };
    const move = (event) => {
      found = under(event);
      if (!found) return;
      const { left, top, width, height } = found.getBoundingClientRect();
      Object.assign(box.style, { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px`, display: "block" });
      label.textContent = name(found);
      Object.assign(label.style, { left: `${Math.max(2, left)}px`, top: `${top > 24 ? top - 24 : top + height + 4}px`, display: "block" });
    };
    const take = (event) => {
      event.preventDefault();
      event.stopPropagation();
      found = under(event) ?? found;
      unpick();
      if (found) tell({ type: "picked", ...describe(found) });
    };
    const key = (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      unpick();
      tell({ type: "unpicked" });
    };
    stop = () => {
      host.remove();
      removeEventListener("keydown", key, true);
      stop = null;
    };
    host.addEventListener("pointermove", move);
    host.addEventListener("pointerdown", move);
    host.addEventListener("click", take);
    addEventListener("keydown", key, true);
  }
  function name(element) {
    const first = [...element.classList].find((one) => /^[a-z][\w-]*$/i.test(one));
    return element.tagName.toLowerCase() + (element.id ? `#${element.id}` : first ? `.${first}` : "");
  }
  /** The shortest path of tags, ids and places that finds this element and no other. */
  function selector(element) {
    const parts = [];
    for (let at = element; at && at !== document.documentElement; at = at.parentElement) {
      if (at.id) {
        parts.unshift(`#${CSS.escape(at.id)}`);
        break;
      }
      const same = [...(at.parentElement?.children ?? [])].filter((other) => other.tagName === at.tagName);
      parts.unshift(at.tagName.toLowerCase() + (same.length > 1 ? `:nth-of-type(${same.indexOf(at) + 1})` : ""));
    }
    return parts.join(" > ");
  }
  /** Where frameworks in development say an element was written: Svelte, Vue, React. "" where none does. */
  function source(element) {
    for (let at = element; at; at = at.parentElement) {
      const svelte = at.__svelte_meta?.loc;
      if (svelte) return `${svelte.file}:${svelte.line}`;
      const vue = at.__vueParentComponent?.type?.__file;
      if (vue) return vue.replace(/^.*\/app\//, "");
      const key = Object.keys(at).find((one) => one.startsWith("__reactFiber$"));
      const stack = key && String(at[key]._debugStack?.stack ?? "");
      const line = stack && stack.split("\n").find((one) => /\/(src|app|pages|components)\//.test(one) && !/node_modules|__vibe/.test(one));
      if (line) return line.replace(/^.*?((?:src|app|pages|components)\/[^?:)]+).*$/, "$1");
    }
    return "";
  }
  function describe(element) {
    const opening = element.outerHTML.slice(0, element.outerHTML.indexOf(">") + 1);
    return {
      selector: selector(element).slice(0, 300),
      tag: element.tagName.toLowerCase(),
      text: (element.innerText ?? element.textContent ?? "").trim().replace(/\s+/g, " ").slice(0, 160),
      html: opening.slice(0, 300),
      source: source(element).slice(0, 200),
    };
  }
})();
