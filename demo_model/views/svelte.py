"""Print a view as a Svelte 5 component, in runes."""

from demo_model.views import script
from demo_model.views.layout import Printer
from demo_model.views.parse import VOID, Attribute, Each, Element, If, View
from demo_model.views.react import imports


class Svelte(Printer):
    def __init__(self, view: View) -> None:
        self.view = view
        self.states = {state.name: "" for state in view.states}

    def code(self, code: str) -> str:
        return f"{{{code}}}"

    def closes(self, element: Element) -> bool:
        return element.component or element.tag in VOID

    def attributes(self, element: Element) -> list[str]:
        return [self._attribute(a) for a in element.attributes]

    def _attribute(self, a: Attribute) -> str:
        kind, _, event = a.name.partition(":")
        if kind == "on":
            call = script.assign(a.value, self.states, lambda name, value: f"({name} = {value})")
            if event == "submit":
                return f"onsubmit={{(event) => {{ event.preventDefault(); {call}; }}}}"
            return f"on{event}={{({'event' if 'event' in script.uses(a.value) else ''}) => {call}}}"
        if kind == "bind":
            return f"bind:{'checked' if event == 'checked' else 'value'}={{{a.value}}}"
        name = "href" if a.name == "to" else a.name
        if a.bare:
            return name
        if a.code:
            return f"{{{name}}}" if name == a.value else f"{name}={{{a.value}}}"
        return f'{name}="{a.value}"'

    def each(self, node: Each, pad: str) -> list[str]:
        names = f"{node.item}, {node.index}" if node.index else node.item
        opening = f"{pad}{{#each {node.items} as {names} ({node.key})}}"
        return [opening, *self.lines(node.children, pad + "  "), f"{pad}{{/each}}"]

    def choice(self, node: If, pad: str) -> list[str]:
        lines = [f"{pad}{{#if {node.condition}}}", *self.lines(node.children, pad + "  ")]
        if node.otherwise:
            lines += [f"{pad}{{:else}}", *self.lines(node.otherwise, pad + "  ")]
        return [*lines, f"{pad}{{/if}}"]

    def component(self, folder: str, modules: str) -> str:
        view = self.view
        lines = imports(view, modules)
        lines += [f'import {name} from "{folder}{name}.svelte";' for name in view.components]
        setup = self._setup()
        lines += ["", *setup] if lines and setup else setup
        top = f"<!-- {view.doc.strip('/* ')} -->\n" if view.doc else ""
        inner = "\n".join(f"  {line}" if line.strip() else "" for one in lines for line in one.splitlines() or [""])
        head = f'<script lang="ts">\n{inner}\n</script>\n\n' if lines else ""
        return top + head + "\n".join([*self.lines(view.nodes, ""), ""])

    def _setup(self) -> list[str]:
        view = self.view
        lines = []
        if view.props:
            names = ", ".join(p.name + (f" = {p.code}" if p.code else "") for p in view.props)
            types = "; ".join(f"{p.name}{'?' if p.code else ''}: {p.type}" for p in view.props)
            lines.append(f"let {{ {names} }}: {{ {types} }} = $props();")
        lines += [f"const {constant};" for constant in view.constants]
        lines += [f"let {s.name}{': ' + s.type if s.type else ''} = $state({s.code});" for s in view.states]
        lines += [f"const {use.name} = $derived(${use.code});" for use in view.uses]
        lines += [f"const {d.name}{': ' + d.type if d.type else ''} = $derived({d.code});" for d in view.derived]
        for action in view.actions:
            inner = [f"  {line}" if line.strip() else "" for line in action.body]
            lines += ["", f"function {action.name}({action.parameters}) {{", *inner, "}"]
        return lines
