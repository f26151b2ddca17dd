"""Print a view as an Angular component: a class with signals, and its template in a file of its own."""

import re
from collections.abc import Sequence

from demo_model.views import script
from demo_model.views.layout import Printer, styles
from demo_model.views.parse import VOID, Attribute, Code, Each, Element, If, Node, View, walk
from demo_model.views.react import imports

PROPERTIES = {"value", "checked", "disabled", "hidden", "open", "required"}
IMPORTED = re.compile(r"(type )?\{([^}]*)\}")
READ = {"": ("value", "value"), "number": ("value", "valueAsNumber"), "checked": ("checked", "checked")}


class Angular(Printer):
    def __init__(self, view: View) -> None:
        self.view = view
        signals = [*view.props, *view.states, *view.uses, *view.derived]
        self.names = {named.name: f"{named.name}()" for named in signals}
        self.own = {named.name: f"this.{named.name}()" for named in signals}
        self.own |= {action.name: f"this.{action.name}" for action in view.actions}
        self.states = {state.name: "" for state in view.states}
        self.chosen = ""  # what the select being printed shows

    def read(self, code: str) -> str:
        """Code of the template, where signals are called."""
        return script.rename(code, self.names)

    def code(self, code: str) -> str:
        return f"{{{{ {self.read(code)} }}}}"

    def tag(self, element: Element) -> str:
        return f"app-{script.kebab(element.tag)}" if element.component else element.tag

    def closes(self, element: Element) -> bool:
        return element.component or element.tag in VOID

    def attributes(self, element: Element) -> list[str]:
        made = [text for a in element.attributes if (text := self._attribute(element, a))]
        bound = next((a for a in element.attributes if a.name in ("value", "bind", "bind:number") and a.code), None)
        if element.tag == "select":
            self.chosen = script.single(self.read(bound.value)) if bound else ""
        elif element.tag == "option" and bound and self.chosen:  # a select takes its value before it has options
            made.append(f'[selected]="{script.single(self.read(bound.value))} === {self.chosen}"')
        for name, a in styles(element):
            made.append(
                f'[style.{name}]="{script.single(self.read(a.value))}"' if a.code else f'style="{name}: {a.value}"'
            )
        return made

    def _attribute(self, element: Element, a: Attribute) -> str:
        kind, _, event = a.name.partition(":")
        if kind == "style":
            return ""
        if kind == "on":
            return self._event(event, a.value)
        if kind == "bind":
            name, read = READ[event]
            at = "change" if event == "checked" or element.tag == "select" else "input"
            read = f"+$any($event.target).{name}" if event == "number" else f"$any($event.target).{read}"
            return f'[{name}]="{a.value}()" ({at})="{a.value}.set({read})"'
        if a.bare:
            return a.name
        value = script.single(self.read(a.value)) if a.code else a.value
        if a.name == "to":
            return f'[routerLink]="{value}"' if a.code else f'routerLink="{value}"'
        if not a.code:
            return f"[{a.name}]=\"'{value}'\"" if element.component and a.name != "class" else f'{a.name}="{value}"'
        if element.component or a.name in PROPERTIES:
            return f'[{a.name}]="{value}"'
        return f'[class]="{value}"' if a.name == "class" else f'[attr.{a.name}]="{value}"'

    def _event(self, event: str, code: str) -> str:
        put = script.assign(code, self.states, lambda name, value: f"{name}.set({self.read(value)})")
        call = put if put != code else self.read(code)
        call = script.single(script.rename(call, {"event": "$event"}))
        return f'({event})="{"$event.preventDefault(); " if event == "submit" else ""}{call}"'

    def each(self, node: Each, pad: str) -> list[str]:
        index = f"; let {node.index} = $index" if node.index else ""
        opening = f"{pad}@for ({node.item} of {self.read(node.items)}; track {self.read(node.key)}{index}) {{"
        return [opening, *self.lines(node.children, pad + "  "), f"{pad}}}"]

    def choice(self, node: If, pad: str) -> list[str]:
        condition = self.read(node.condition)
        if re.fullmatch(r"\w+", node.condition) and node.condition in self.names:  # a signal's call does not narrow
            condition += f"; as {node.condition}"
            hidden = self.names.pop(node.condition)
            inner = self.lines(node.children, pad + "  ")
            self.names[node.condition] = hidden
        else:
            inner = self.lines(node.children, pad + "  ")
        lines = [f"{pad}@if ({condition}) {{", *inner]
        if node.otherwise:
            lines += [f"{pad}}} @else {{", *self.lines(node.otherwise, pad + "  ")]
        return [*lines, f"{pad}}}"]

    def text(self, words: str) -> str:
        return words.replace("@", "&#64;")

    def joined(self, lines: Sequence[str]) -> str:
        return " ".join(line.strip() for line in lines)

    def template(self) -> str:
        top = f"<!-- {self.view.doc.strip('/* ')} -->\n" if self.view.doc else ""
        return top + "\n".join([*self.lines(self.view.nodes, ""), ""])

    def component(self, folder: str, modules: str) -> str:
        view = self.view
        core = ["Component"] + [name for name, wanted in (
            ("computed", view.derived), ("input", view.props), ("signal", view.states)) if wanted]  # fmt: skip
        linked = any(isinstance(n, Element) and n.get("to") for n in walk(view.nodes))
        lines = [f'import {{ {", ".join(core)} }} from "@angular/core";']
        lines += ['import { RouterLink } from "@angular/router";'] if linked else []
        lines += imports(view, modules)
        lines += [f'import {{ fromStore }} from "{modules}from-store";'] if view.uses else []
        lines += [f'import {{ {name} }} from "{folder}{script.kebab(name)}";' for name in view.components]
        lines += ["", *(f"const {constant};" for constant in view.constants)] if view.constants else []
        parts = [*view.components, *(["RouterLink"] if linked else [])]
        name = script.kebab(view.name)
        lines += ["", *([view.doc] if view.doc else []), "@Component({", f'  selector: "app-{name}",']
        lines += [f"  imports: [{', '.join(parts)}],"] if parts else []
        lines += [f'  templateUrl: "./{name}.html",', '  host: { class: "contents" },', "})"]
        members = self._members()
        return "\n".join([*lines, f"export class {view.name} {{", *members, "}", ""])

    def _members(self) -> list[str]:
        view = self.view
        lines = []
        for prop in view.props:
            value = f"<{prop.type}>({prop.code})" if prop.code else f".required<{prop.type}>()"
            lines.append(f"  readonly {prop.name} = input{value};")
        lines += [f"  protected readonly {name} = {name};" for name in self._shown()]
        for state in view.states:
            kind = f"<{state.type}>" if state.type else ""
            lines.append(f"  protected readonly {state.name} = signal{kind}({script.rename(state.code, self.own)});")
        lines += [f"  protected readonly {use.name} = fromStore({use.code});" for use in view.uses]
        for d in view.derived:
            kind = f"<{d.type}>" if d.type else ""
            lines.append(f"  protected readonly {d.name} = computed{kind}(() => {script.rename(d.code, self.own)});")
        for action in view.actions:
            lines += ["", f"  protected {action.name}({action.parameters}) {{", *self._statements(action.body), "  }"]
        return lines

    def _statements(self, body: tuple[str, ...]) -> list[str]:
        text = script.assign("\n".join(body), self.states, lambda name, value: f"this.{name}.set({value})")
        text = script.rename(text, self.own).replace("this.this.", "this.")
        return [f"    {line}" if line.strip() else "" for line in text.splitlines()]

    def _shown(self) -> list[str]:
        """Imported and constant names that the template uses: Angular shows it members only."""
        known = [name.strip() for one in self.view.imports if (m := IMPORTED.match(one)) and not m[1]
                 for name in m[2].split(",")]  # fmt: skip
        known += [re.split(r"\W", constant, maxsplit=1)[0] for constant in self.view.constants]
        used = {name for node in walk(self.view.nodes) for code in _codes(node) for name in script.uses(code)}
        return [name for name in known if name in used]


def _codes(node: Node) -> list[str]:
    if isinstance(node, Code):
        return [node.code]
    if isinstance(node, Each):
        return [node.items, node.key]
    if isinstance(node, If):
        return [node.condition]
    return [a.value for a in node.attributes if a.code] if isinstance(node, Element) else []
