// The read-only editor: CodeMirror 6, our colours, languages loaded when a file needs them.
import { HighlightStyle, foldGutter, foldKeymap, syntaxHighlighting } from "@codemirror/language";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { EditorState } from "@codemirror/state";
import { EditorView, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers } from "@codemirror/view";
import { tags as t } from "@lezer/highlight";

const script = (options) => import("@codemirror/lang-javascript").then((m) => m.javascript(options));
const html = () => import("@codemirror/lang-html").then((m) => m.html());
const LANGUAGES = {
  ts: () => script({ typescript: true }),
  tsx: () => script({ typescript: true, jsx: true }),
  js: () => script({ jsx: true }),
  jsx: () => script({ jsx: true }),
  mjs: () => script({}),
  css: () => import("@codemirror/lang-css").then((m) => m.css()),
  html,
  svg: html,
  json: () => import("@codemirror/lang-json").then((m) => m.json()),
  md: () => import("@codemirror/lang-markdown").then((m) => m.markdown()),
};

const colours = HighlightStyle.define([
  { tag: [t.keyword, t.moduleKeyword, t.controlKeyword, t.operatorKeyword], color: "light-dark(oklch(0.48 0.17 310), oklch(0.79 0.12 310))" },
  { tag: [t.string, t.special(t.string), t.regexp], color: "light-dark(oklch(0.47 0.11 150), oklch(0.84 0.13 140))" },
  { tag: [t.number, t.bool, t.null, t.atom], color: "light-dark(oklch(0.53 0.15 45), oklch(0.81 0.12 60))" },
  { tag: [t.comment, t.meta], color: "var(--ink-3)", fontStyle: "italic" },
  { tag: [t.function(t.variableName), t.function(t.propertyName)], color: "light-dark(oklch(0.47 0.14 250), oklch(0.81 0.1 245))" },
  { tag: [t.typeName, t.className, t.namespace], color: "light-dark(oklch(0.48 0.1 205), oklch(0.84 0.09 200))" },
  { tag: [t.tagName, t.angleBracket], color: "light-dark(oklch(0.5 0.16 20), oklch(0.78 0.12 20))" },
  { tag: [t.attributeName, t.propertyName], color: "light-dark(oklch(0.45 0.08 90), oklch(0.86 0.08 95))" },
  { tag: [t.heading, t.strong], fontWeight: "600" },
  { tag: [t.link, t.url], textDecoration: "underline" },
]);
const look = EditorView.theme({
  "&": { height: "100%", backgroundColor: "transparent", color: "var(--ink)" },
  ".cm-scroller": { fontFamily: "var(--mono)", fontSize: "12.5px", lineHeight: "1.65" },
  ".cm-content": { padding: "10px 0", caretColor: "var(--ink)" },
  ".cm-gutters": { backgroundColor: "transparent", color: "var(--ink-3)", border: "none", paddingLeft: "6px" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--hover)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "light-dark(oklch(0.92 0.11 120), oklch(0.38 0.08 126)) !important" },
  ".cm-panels": { backgroundColor: "var(--sunk)", color: "var(--ink)", borderColor: "var(--line)" },
  ".cm-searchMatch": { backgroundColor: "var(--volt-soft)" },
  ".cm-foldGutter": { opacity: ".6" },
});

const nonce = document.querySelector("script[nonce]")?.nonce;
let view;

/** Shows `text` in `parent`, coloured by the extension of `path`. */
export async function show(parent, path, text) {
  const language = await LANGUAGES[path.split(".").pop().toLowerCase()]?.();
  const state = EditorState.create({
    doc: text,
    extensions: [
      lineNumbers(),
      foldGutter(),
      highlightActiveLine(),
      highlightActiveLineGutter(),
      highlightSelectionMatches(),
      search({ top: true }),
      keymap.of([...searchKeymap, ...foldKeymap]),
      syntaxHighlighting(colours),
      look,
      EditorState.readOnly.of(true),
      EditorView.contentAttributes.of({ "aria-label": path, tabindex: "0" }),
      EditorView.cspNonce.of(nonce ?? ""),
      ...(language ? [language] : []),
    ],
  });
  if (view) view.setState(state);
  else view = new EditorView({ state });
  if (!parent.contains(view.dom)) parent.replaceChildren(view.dom);
  view.scrollDOM.scrollTop = 0;
}

export function close() {
  view?.destroy();
  view = undefined;
}
