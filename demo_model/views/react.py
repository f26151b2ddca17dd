"""Print a view as a React component, for Vite or for Next.js."""

import re
from collections.abc import Sequence

from demo_model.views import script
from demo_model.views.layout import Printer, only_element, styles
from demo_model.views.parse import Attribute, Each, Element, If, Node, Text, View

NAMES = {
    "class": "className", "for": "htmlFor", "tabindex": "tabIndex", "autocomplete": "autoComplete",
    "maxlength": "maxLength", "minlength": "minLength", "inputmode": "inputMode", "readonly": "readOnly",
    "datetime": "dateTime", "colspan": "colSpan", "rowspan": "rowSpan", "novalidate": "noValidate",
    "spellcheck": "spellCheck",
}  # fmt: skip
NUMBERS = {"tabIndex", "maxLength", "minLength", "rows", "colSpan", "rowSpan"}
EVENTS = {
    "keydown": "onKeyDown", "pointerenter": "onPointerEnter", "pointermove": "onPointerMove",
    "pointerleave": "onPointerLeave", "dragstart": "onDragStart", "dragend": "onDragEnd", "dragover": "onDragOver",
    "input": "onChange",
}  # fmt: skip
BOUND = {"": ("value", "event.target.value"), "number": ("value", "Number(event.target.value)"),
         "checked": ("checked", "event.target.checked")}  # fmt: skip


class React(Printer):
    def __init__(self, view: View, next_js: bool) -> None:
        self.view, self.next = view, next_js
        self.states = {state.name: "" for state in view.states}

    def code(self, code: str) -> str:
        return f"{{{code}}}"

    def tag(self, element: Element) -> str:
        return "Link" if self.next and element.get("to") else element.tag

    def joined(self, lines: Sequence[str]) -> str:
        return re.sub(r"\(\s+|\s+\)", lambda m: m.group().strip(), " ".join(line.strip() for line in lines))

    def run(self, run: Sequence[Node], pad: str) -> list[str]:
        """JSX forgets a space at the end of a line of its own."""
        line = super().run(run, pad)
        if len(line) == 1 and isinstance(run[-1], Text) and run[-1].words.endswith(" "):
            return [line[0][:-1] + '{" "}']
        return line

    def assign(self, code: str) -> str:
        return script.assign(code, self.states, lambda name, value: f"{script.setter(name)}({value})")

    def attributes(self, element: Element) -> list[str]:
        made = [text for a in element.attributes if (text := self._attribute(element, a))]
        if pairs := styles(element):
            inside = ", ".join(f"{name}: {a.value if a.code else repr(a.value)}" for name, a in pairs)
            made.append(f"style={{{{ {inside} }}}}")
        return made

    def _attribute(self, element: Element, a: Attribute) -> str:
        kind, _, event = a.name.partition(":")
        if kind == "style":
            return ""
        if kind == "on":
            return self._event(event, a.value)
        if kind == "bind":
            name, read = BOUND[event]
            return f"{name}={{{a.value}}} onChange={{(event) => {script.setter(a.value)}({read})}}"
        if a.name == "to":
            if self.next:
                return f"href={{{a.value}}}" if a.code else f'href="{a.value}"'
            return f"href={{`#${{{a.value}}}`}}" if a.code else f'href="#{a.value}"'
        name = NAMES.get(a.name, a.name)
        if "-" in name and not name.startswith(("aria-", "data-")):
            name = re.sub(r"-(\w)", lambda m: m[1].upper(), name)
        if a.bare:
            return name
        if not a.code and name in NUMBERS:
            return f"{name}={{{a.value}}}"
        return f"{name}={{{a.value}}}" if a.code else f'{name}="{a.value}"'

    def _event(self, event: str, code: str) -> str:
        name = EVENTS.get(event, f"on{event.capitalize()}")
        call = self.assign(code)
        if event == "submit":
            return f"{name}={{(event) => {{ event.preventDefault(); {call}; }}}}"
        return f"{name}={{({'event' if 'event' in script.uses(code) else ''}) => {call}}}"

    def each(self, node: Each, pad: str) -> list[str]:
        names = f"({node.item}, {node.index})" if node.index else f"({node.item})"
        inner = only_element(node.children)
        if inner:
            body = self.element(inner, pad + "  ", [f"key={{{node.key}}}"])
        else:
            lines = self.lines(node.children, pad + "    ")
            body = [f"{pad}  <Fragment key={{{node.key}}}>", *lines, f"{pad}  </Fragment>"]
        return [f"{pad}{{{node.items}.map({names} => (", *body, f"{pad}))}}"]

    def choice(self, node: If, pad: str) -> list[str]:
        if not node.otherwise:
            return [f"{pad}{{{node.condition} && (", *self._group(node.children, pad + "  "), f"{pad})}}"]
        first, second = self._group(node.children, pad + "  "), self._group(node.otherwise, pad + "  ")
        return [f"{pad}{{{node.condition} ? (", *first, f"{pad}) : (", *second, f"{pad})}}"]

    def _group(self, nodes: list[Node], pad: str) -> list[str]:
        if inner := only_element(nodes):
            return self.element(inner, pad)
        return [f"{pad}<>", *self.lines(nodes, pad + "  "), f"{pad}</>"]

    def component(self, folder: str, modules: str, default: bool = False) -> str:
        """The text of the file. `folder` and `modules`: where components and modules are, seen from it."""
        view = self.view
        template = self._body()
        named = [s for s in ("useState",) if view.states] + [
            s for s in ("Fragment",) if f"<{s} " in "\n".join(template)
        ]
        lines = ['"use client";', ""] if self.next and view.alive else []
        if named:
            lines.append(f'import {{ {", ".join(sorted(named))} }} from "react";')
        if "<Link" in "\n".join(template):
            lines.append('import Link from "next/link";')
        lines += imports(view, modules)
        if view.uses:
            lines.append(f'import {{ useStore }} from "{modules}useStore";')
        lines += [f'import {{ {name} }} from "{folder}{name}";' for name in view.components]
        lines += [""] if lines else []
        lines += [f"const {constant};" for constant in view.constants] + ([""] if view.constants else [])
        lines += [view.doc] if view.doc else []
        lines.append(f"export {'default ' if default else ''}function {view.name}({self._props()}) {{")
        setup = self._setup()
        lines += [*setup, ""] if setup else []
        lines += ["  return (", *template, "  );", "}", ""]
        return "\n".join(lines)

    def _body(self) -> list[str]:
        return self._group(self.view.nodes, "    ")

    def _props(self) -> str:
        if not self.view.props:
            return ""
        names = ", ".join(p.name + (f" = {p.code}" if p.code else "") for p in self.view.props)
        types = "; ".join(f"{p.name}{'?' if p.code else ''}: {p.type}" for p in self.view.props)
        return f"{{ {names} }}: {{ {types} }}"

    def _setup(self) -> list[str]:
        lines = []
        for state in self.view.states:
            kind = f"<{state.type}>" if state.type else ""
            lines.append(f"  const [{state.name}, {script.setter(state.name)}] = useState{kind}({state.code});")
        lines += [f"  const {use.name} = useStore({use.code});" for use in self.view.uses]
        lines += [f"  const {d.name}{': ' + d.type if d.type else ''} = {d.code};" for d in self.view.derived]
        for action in self.view.actions:
            body = [f"    {line}" if line.strip() else "" for line in self.assign("\n".join(action.body)).splitlines()]
            lines += ["", f"  function {action.name}({action.parameters}) {{", *body, "  }"]
        return lines


def imports(view: View, modules: str) -> list[str]:
    """The import lines of a view's modules."""
    return [f"import {re.sub(r'from .(.+).$', lambda m: f'from {chr(34)}{modules}{m[1]}{chr(34)}', one)};"
            for one in view.imports]  # fmt: skip
