"""Lay a template out as text: what stood on its own line does so again, what stood in a line stays in it."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from demo_model.views.parse import Attribute, Code, Each, Element, If, Node, Text

WIDTH = 118


class Printer(ABC):
    """Prints nodes; a framework says how it writes attributes, code, repetition and choice."""

    @abstractmethod
    def code(self, code: str) -> str: ...

    @abstractmethod
    def attributes(self, element: Element) -> list[str]: ...

    @abstractmethod
    def each(self, node: Each, pad: str) -> list[str]: ...

    @abstractmethod
    def choice(self, node: If, pad: str) -> list[str]: ...

    def tag(self, element: Element) -> str:
        """The name as this framework writes it."""
        return element.tag

    def closes(self, element: Element) -> bool:
        """Whether an element without children is written `<p />`."""
        return True

    def text(self, words: str) -> str:
        return words

    def lines(self, nodes: Sequence[Node], pad: str) -> list[str]:
        """The nodes, one run a line, each with its indentation."""
        runs: list[list[Node]] = []
        for node in nodes:
            if node.breaks or not runs:
                runs.append([])
            runs[-1].append(node)
        return [line for run in runs for line in self.run(run, pad)]

    def run(self, run: Sequence[Node], pad: str) -> list[str]:
        if len(run) == 1:
            return self.node(run[0], pad)
        pieces = [self.node(node, "") for node in run]
        return [pad + "".join(piece[0] if len(piece) == 1 else self.joined(piece) for piece in pieces)]

    def joined(self, lines: Sequence[str]) -> str:
        """A piece of several lines inside a run."""
        return "".join(line.strip() for line in lines)

    def node(self, node: Node, pad: str) -> list[str]:
        if isinstance(node, Text):
            return [pad + self.text(node.words)]
        if isinstance(node, Code):
            return [pad + self.code(node.code)]
        if isinstance(node, Each):
            return self.each(node, pad)
        if isinstance(node, If):
            return self.choice(node, pad)
        assert isinstance(node, Element)
        return self.element(node, pad)

    def element(self, element: Element, pad: str, extra: Sequence[str] = ()) -> list[str]:
        name, attributes = self.tag(element), [*extra, *self.attributes(element)]
        opening = " ".join([f"<{name}", *attributes])
        closed = not element.children and self.closes(element)
        inline = bool(element.children) and not element.children[0].breaks
        if inline:
            body = self.run(element.children, "")
            return [f"{pad}{opening}>{self.joined(body) if len(body) > 1 else body[0]}</{name}>"]
        end = " />" if closed else ">" if element.children else f"></{name}>"
        if len(pad) + len(opening) + len(end) > WIDTH and len(attributes) > 1:
            first = [f"{pad}<{name}", *(f"{pad}  {attribute}" for attribute in attributes), f"{pad}{end.strip()}"]
        else:
            first = [f"{pad}{opening}{end}"]
        if not element.children:
            return first
        return [*first, *self.lines(element.children, pad + "  "), f"{pad}</{name}>"]


def only_element(nodes: Sequence[Node]) -> Element | None:
    """The single element that these nodes are, if they are one."""
    return nodes[0] if len(nodes) == 1 and isinstance(nodes[0], Element) else None


def styles(element: Element) -> list[tuple[str, Attribute]]:
    """The `style:name` attributes of an element."""
    return [(a.name.removeprefix("style:"), a) for a in element.attributes if a.name.startswith("style:")]
