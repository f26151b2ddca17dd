"""Print a view as a Vue single-file component."""

from demo_model.views import script
from demo_model.views.layout import Printer, only_element, styles
from demo_model.views.parse import VOID, Attribute, Each, Element, If, Node, View
from demo_model.views.react import imports


class Vue(Printer):
    def __init__(self, view: View) -> None:
        self.view = view
        self.refs = {named.name: f"{named.name}.value" for named in (*view.states, *view.uses, *view.derived)}

    def code(self, code: str) -> str:
        return f"{{{{ {code} }}}}"

    def closes(self, element: Element) -> bool:
        return element.component or element.tag in VOID

    def attributes(self, element: Element) -> list[str]:
        made = [text for a in element.attributes if (text := self._attribute(a))]
        if pairs := styles(element):
            inside = ", ".join(f"{n}: {script.single(a.value) if a.code else repr(a.value)}" for n, a in pairs)
            made.append(f':style="{{ {inside} }}"')
        return made

    def _attribute(self, a: Attribute) -> str:
        kind, _, event = a.name.partition(":")
        value = script.single(a.value) if a.code else a.value
        if kind == "style":
            return ""
        if kind == "on":
            prevent = ".prevent" if event == "submit" else ""
            return f'@{event}{prevent}="{script.rename(value, {"event": "$event"})}"'
        if kind == "bind":
            return f'v-model{".number" if event == "number" else ""}="{value}"'
        if a.name == "to":
            return f':href="`#${{{value}}}`"' if a.code else f'href="#{value}"'
        if a.bare:
            return a.name
        return f':{a.name}="{value}"' if a.code else f'{a.name}="{value}"'

    def each(self, node: Each, pad: str) -> list[str]:
        names = f"({node.item}, {node.index})" if node.index else node.item
        extra = [f'v-for="{names} in {script.single(node.items)}"', f':key="{script.single(node.key)}"']
        return self._wrapped(node.children, pad, extra)

    def choice(self, node: If, pad: str) -> list[str]:
        lines = self._wrapped(node.children, pad, [f'v-if="{script.single(node.condition)}"'])
        return lines + (self._wrapped(node.otherwise, pad, ["v-else"]) if node.otherwise else [])

    def _wrapped(self, nodes: list[Node], pad: str, extra: list[str]) -> list[str]:
        if inner := only_element(nodes):
            return self.element(inner, pad, extra)
        return self.element(Element(tag="template", children=nodes), pad, extra)

    def component(self, folder: str, modules: str) -> str:
        view = self.view
        named = [name for name, wanted in (("computed", view.derived), ("ref", view.states)) if wanted]
        lines = [f'import {{ {", ".join(named)} }} from "vue";'] if named else []
        lines += imports(view, modules)
        lines += [f'import {{ useStore }} from "{modules}useStore";'] if view.uses else []
        lines += [f'import {name} from "{folder}{name}.vue";' for name in view.components]
        setup = self._setup()
        lines += ["", *setup] if lines and setup else setup
        top = f"<!-- {view.doc.strip('/* ')} -->\n" if view.doc else ""
        head = "\n".join(['<script setup lang="ts">', *lines, "</script>", ""]) + "\n" if lines else ""
        body = "\n".join(["<template>", *self.lines(view.nodes, "  "), "</template>", ""])
        return f"{top}{head}{body}"

    def _setup(self) -> list[str]:
        view = self.view
        lines = []
        if view.props:
            types = "; ".join(f"{p.name}{'?' if p.code else ''}: {p.type}" for p in view.props)
            names = ", ".join(p.name + (f" = {p.code}" if p.code else "") for p in view.props)
            read = {name for text in self._scripts() for name in script.uses(text)}
            needed = any(p.code or p.name in read for p in view.props)
            lines.append(f"const {{ {names} }} = defineProps<{{ {types} }}>();" if needed
                         else f"defineProps<{{ {types} }}>();")  # fmt: skip
        lines += [f"const {constant};" for constant in view.constants]
        for state in view.states:
            lines.append(f"const {state.name} = ref{f'<{state.type}>' if state.type else ''}({state.code});")
        lines += [f"const {use.name} = useStore({use.code});" for use in view.uses]
        for d in view.derived:
            kind = f"<{d.type}>" if d.type else ""
            lines.append(f"const {d.name} = computed{kind}(() => {script.rename(d.code, self.refs)});")
        for action in view.actions:
            body = script.rename("\n".join(action.body), self.refs).splitlines()
            inner = [f"  {line}" if line.strip() else "" for line in body]
            lines += ["", f"function {action.name}({action.parameters}) {{", *inner, "}"]
        return lines

    def _scripts(self) -> list[str]:
        return [s.code for s in (*self.view.states, *self.view.uses, *self.view.derived)] + [
            line for action in self.view.actions for line in action.body
        ]
