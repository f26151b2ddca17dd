// The editor: CodeMirror 6, our colours, languages loaded when a file needs them, an undo history per file.
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { HighlightStyle, bracketMatching, foldGutter, foldKeymap, indentOnInput, syntaxHighlighting } from "@codemirror/language";
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
  { tag: [t.keyword, t.moduleKeyword, t.controlKeyword, t.operatorKeyword], color: "var(--code-keyword)" },
  { tag: [t.string, t.special(t.string), t.regexp], color: "var(--code-string)" },
  { tag: [t.number, t.bool, t.null, t.atom], color: "var(--code-number)" },
  { tag: [t.comment, t.meta], color: "var(--code-comment)", fontStyle: "italic" },
  { tag: [t.function(t.variableName), t.function(t.propertyName)], color: "var(--code-function)" },
  { tag: [t.typeName, t.className, t.namespace], color: "var(--code-type)" },
  { tag: [t.tagName, t.angleBracket], color: "var(--code-tag)" },
  { tag: [t.attributeName, t.propertyName], color: "var(--code-name)" },
  { tag: [t.heading, t.strong], fontWeight: "600" },
  { tag: [t.link, t.url], textDecoration: "underline" },
]);
const look = EditorView.theme({
  "&": { height: "100%", backgroundColor: "transparent", color: "var(--ink)" },
  ".cm-scroller": { fontFamily: "var(--mono)", fontSize: "12.5px", lineHeight: "1.65" },
  ".cm-content": { padding: "10px 0", caretColor: "var(--ink)" },
  ".cm-gutters": { backgroundColor: "var(--surface)", color: "var(--ink-3)", border: "none", paddingLeft: "6px" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--hover)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "light-dark(oklch(0.92 0.11 120), oklch(0.38 0.08 126)) !important" },
  ".cm-panels": { backgroundColor: "var(--sunk)", color: "var(--ink)", borderColor: "var(--line)" },
  ".cm-panels-top": { borderBottom: "1px solid var(--line)" },
  ".cm-panel.cm-search": { display: "flex", flexWrap: "wrap", alignItems: "center", gap: "6px", padding: "8px 40px 8px 10px", font: "400 var(--t-sm) var(--font)" },
  ".cm-panel.cm-search br": { flexBasis: "100%", height: 0, content: "''", display: "block" },
  ".cm-panel.cm-search input, .cm-panel.cm-search button, .cm-panel.cm-search label": { margin: 0 },
  ".cm-panel.cm-search label": { display: "inline-flex", alignItems: "center", gap: "5px", fontSize: "inherit", color: "var(--ink-2)" },
  ".cm-panel.cm-search input[type=checkbox]": { accentColor: "var(--ink)" },
  ".cm-panel .cm-textfield": { flex: "0 1 22ch", minWidth: "12ch", minHeight: "30px", padding: "2px 9px", border: "1px solid var(--line-2)", borderRadius: "var(--r-sm)", backgroundColor: "var(--surface)", color: "var(--ink)", fontSize: "inherit" },
  ".cm-panel .cm-button": { minHeight: "30px", padding: "0 10px", border: "1px solid var(--line)", borderRadius: "var(--r-sm)", backgroundImage: "none", backgroundColor: "var(--surface)", color: "var(--ink)", fontSize: "inherit", fontWeight: "500" },
  ".cm-panel .cm-button:hover": { borderColor: "var(--line-2)", backgroundColor: "var(--hover)" },
  ".cm-panel .cm-button:active": { backgroundImage: "none" },
  ".cm-panel.cm-search [name=close]": { top: "8px", right: "8px", width: "30px", height: "30px", borderRadius: "var(--r-sm)", color: "var(--ink-2)", fontSize: "18px" },
  ".cm-panel.cm-search [name=close]:hover": { backgroundColor: "var(--hover)" },
  ".cm-searchMatch": { backgroundColor: "var(--volt-soft)" },
  ".cm-searchMatch-selected": { backgroundColor: "var(--volt)", color: "var(--on-volt)" },
  ".cm-searchMatch-selected *": { color: "inherit" },
  ".cm-foldGutter": { opacity: ".6" },
});

const nonce = document.querySelector("script[nonce]")?.nonce;
let view;
let shown = "";
// The states of files left and come back to: cursor and undo history stay.
const states = new Map();
const MOST_STATES = 30;

/**
 * Shows `text` in `parent`, coloured by the extension of `path`.
 * @param {{readOnly?: boolean, onChange?: (text: string) => void, onSave?: () => void}} how
 */
export async function show(parent, path, text, { readOnly = false, onChange, onSave } = {}) {
  const language = await LANGUAGES[path.split(".").pop().toLowerCase()]?.();
  // What is shown so already stays, with its search and the focus in that.
  if (view && !readOnly && shown === path && parent.contains(view.dom) && view.state.doc.toString() === text) return;
  keep();
  const known = readOnly ? undefined : states.get(path);
  const state = known && known.doc.toString() === text ? known : fresh(path, text, language, { readOnly, onChange, onSave });
  shown = readOnly ? "" : path;
  if (view) view.setState(state);
  else view = new EditorView({ state });
  if (!parent.contains(view.dom)) parent.replaceChildren(view.dom);
  if (state !== known) view.scrollDOM.scrollTop = 0;
}

function fresh(path, text, language, { readOnly, onChange, onSave }) {
  const save = () => {
    onSave?.();
    return true;
  };
  return EditorState.create({
    doc: text,
    extensions: [
      lineNumbers(),
      foldGutter(),
      history(),
      indentOnInput(),
      bracketMatching(),
      highlightActiveLine(),
      highlightActiveLineGutter(),
      highlightSelectionMatches(),
      search({ top: true }),
      EditorState.phrases.of({ next: "Next", previous: "Previous", all: "All", "match case": "Match case", regexp: "Pattern", "by word": "Whole words", replace: "Replace", "replace all": "Replace all", close: "Close" }),
      // Escape, then Tab leaves the editor.
      keymap.of([{ key: "Mod-s", run: save, preventDefault: true }, ...searchKeymap, ...foldKeymap, ...historyKeymap, ...defaultKeymap, indentWithTab]),
      syntaxHighlighting(colours),
      look,
      EditorState.readOnly.of(readOnly),
      EditorView.updateListener.of((update) => update.docChanged && onChange?.(update.state.doc.toString())),
      EditorView.contentAttributes.of({ "aria-label": path, tabindex: "0" }),
      EditorView.cspNonce.of(nonce ?? ""),
      ...(language ? [language] : []),
    ],
  });
}
function keep() {
  if (!view || !shown) return;
  states.delete(shown);
  states.set(shown, view.state);
  if (states.size > MOST_STATES) states.delete(states.keys().next().value);
}

/** Puts the cursor at the start of `line` (from 1), or a column of it, in the middle of what is seen. */
export function goTo(line, column = 0) {
  if (!view || line > view.state.doc.lines) return;
  const place = view.state.doc.line(line);
  const at = Math.min(place.from + column, place.to);
  view.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: "center" }) });
  view.focus();
}

export function focus() {
  view?.focus();
}

export function close() {
  keep();
  view?.destroy();
  view = undefined;
  shown = "";
}
