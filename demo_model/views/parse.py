"""Read a view: a component written once, in a few declarations and a template, for every framework we print.

    /** A card of the shop. */                          what it is, kept as a comment
    import { money } from "prices"                      modules beside content.ts
    prop product: Product                               props: name: type [= default]
    state size: string = "M"                            state of this component
    use lines = cart                                    the value of a store (store.ts), shared by all that use it
    derived total = sum(lines)                          follows what it reads
    const SIZES = ["S", "M", "L"]                       once per module
    action put()                                        statements, indented, each with its semicolon
      add(product.slug, size);
    ---
    <li class="…">{#each SIZES as name, index (name)} … {/each} {#if total > 0} … {:else} … {/if}</li>

In tags: `class="…"`, `title={code}`, `on:click={code}`, `bind={state}`, `style:width={code}`, and `to` for a link to a
route. A longer declaration goes on in indented lines. Whitespace with a line break between nodes means nothing.
"""

import re
from dataclasses import dataclass, field

VOID = {"input", "br", "hr", "img", "path", "circle", "rect", "line", "ellipse", "polygon", "polyline", "stop"}
DECLARATION = re.compile(r"(import|prop|state|use|derived|const|action)\b\s*(.*)", re.DOTALL)
TYPED = re.compile(r"(\w+)(?:\s*:\s*(.+?))?(?:\s*=\s(.*))?", re.DOTALL)
NAME = re.compile(r"[\w:.-]+")


@dataclass(frozen=True)
class Named:
    """A prop, a state or a derived value; `code` is its default, first value or expression."""

    name: str
    type: str = ""
    code: str = ""


@dataclass(frozen=True)
class Action:
    """A function of the component: `head` is its name with parameters, `body` its statements."""

    name: str
    parameters: str
    body: tuple[str, ...]


@dataclass
class Node:
    """Anything in a template. `breaks`: it stood on a line of its own."""

    breaks: bool = False


@dataclass
class Text(Node):
    words: str = ""


@dataclass
class Code(Node):
    code: str = ""


@dataclass(frozen=True)
class Attribute:
    """`name="value"`, or `name={value}` when it is code; a bare name has the value ""."""

    name: str
    value: str = ""
    code: bool = False
    bare: bool = False


@dataclass
class Element(Node):
    tag: str = ""
    attributes: list[Attribute] = field(default_factory=list)
    children: list[Node] = field(default_factory=list)

    @property
    def component(self) -> bool:
        return self.tag[0].isupper()

    def get(self, name: str) -> Attribute | None:
        return next((a for a in self.attributes if a.name == name), None)


@dataclass
class Each(Node):
    items: str = ""
    item: str = ""
    index: str = ""
    key: str = ""
    children: list[Node] = field(default_factory=list)


@dataclass
class If(Node):
    condition: str = ""
    children: list[Node] = field(default_factory=list)
    otherwise: list[Node] = field(default_factory=list)


@dataclass
class View:
    """A component as it is written."""

    name: str
    doc: str = ""
    imports: list[str] = field(default_factory=list)
    props: list[Named] = field(default_factory=list)
    states: list[Named] = field(default_factory=list)
    uses: list[Named] = field(default_factory=list)
    derived: list[Named] = field(default_factory=list)
    constants: list[str] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)

    @property
    def components(self) -> list[str]:
        """The components its template uses, in the order of the alphabet."""
        return sorted({node.tag for node in walk(self.nodes) if isinstance(node, Element) and node.component})

    @property
    def alive(self) -> bool:
        """Whether it does anything in the browser: state, stores or events."""
        events = any(a.name.startswith(("on:", "bind")) for n in walk(self.nodes) if isinstance(n, Element)
                     for a in n.attributes)  # fmt: skip
        return bool(self.states or self.uses or events)


def walk(nodes: list[Node]) -> list[Node]:
    """All nodes below, in order."""
    found: list[Node] = []
    for node in nodes:
        found.append(node)
        if isinstance(node, Element | Each | If):
            found += walk(node.children)
        if isinstance(node, If):
            found += walk(node.otherwise)
    return found


def view(name: str, source: str) -> View:
    """Read a view's source. Raises ValueError where it is not one."""
    head, _, template = source.partition("---\n")
    made = View(name)
    for block in _blocks(head):
        _declare(made, block)
    made.nodes = _Template(template).children("")
    return made


def _blocks(head: str) -> list[str]:
    """Declarations, each with the indented lines and the closing bracket that belong to it."""
    blocks: list[str] = []
    for line in head.splitlines():
        if blocks and line[:1] in (" ", "}", "]", ")"):
            blocks[-1] += f"\n{line}"
        elif line.strip():
            blocks.append(line)
    return blocks


def _declare(made: View, block: str) -> None:
    if block.startswith("/**"):
        made.doc = block
        return
    found = DECLARATION.fullmatch(block)
    if not found:
        raise ValueError(f"{made.name}: not a declaration: {block!r}")
    kind, rest = found.groups()
    if kind == "import":
        made.imports.append(rest.rstrip(";"))
    elif kind == "const":
        made.constants.append(rest.rstrip(";"))
    elif kind == "action":
        first, *lines = rest.splitlines()
        name, parameters = first.split("(", 1)
        made.actions.append(Action(name, parameters.rstrip().removesuffix(")"), tuple(line[2:] for line in lines)))
    else:
        parts = TYPED.fullmatch(rest)
        if not parts:
            raise ValueError(f"{made.name}: not a {kind}: {rest!r}")
        named = Named(parts[1], (parts[2] or "").strip(), (parts[3] or "").strip())
        {"prop": made.props, "state": made.states, "use": made.uses, "derived": made.derived}[kind].append(named)


class _Template:
    """Walks over a template's text once."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def children(self, end: str) -> list[Node]:
        """The nodes up to `end` ("" for the end of the text), which is left standing."""
        nodes: list[Node] = []
        breaks = not end
        while self.at < len(self.text):
            if (end and self._here(end)) or (end == "{/if}" and self._here("{:else}")):
                return nodes
            if self.text[self.at] in "<{":
                node = self._element() if self.text[self.at] == "<" else self._braced()
                node.breaks = breaks
                nodes.append(node)
                breaks = False
                continue
            stop = min((p for p in (self.text.find(c, self.at) for c in "<{") if p >= 0), default=len(self.text))
            words, self.at = self.text[self.at : stop], stop
            lead, tail = _edge(words), _edge(words[::-1])
            if not words.strip():
                if "\n" not in words and nodes:
                    nodes.append(Text(words=" "))
                breaks = breaks or "\n" in words
                continue
            inner = " ".join(words.split())
            inner = (" " if lead == " " else "") + inner + (" " if tail == " " else "")
            nodes.append(Text(breaks or lead == "\n", inner))
            breaks = tail == "\n"
        if end:
            raise ValueError(f"{end} is missing")
        return nodes

    def _here(self, words: str) -> bool:
        return self.text.startswith(words, self.at)

    def _code(self) -> str:
        """The code in braces at this place, without them."""
        depth, start, quote = 0, self.at, ""
        while True:
            char = self.text[self.at]
            self.at += 1
            if quote:
                quote = "" if char == quote else quote
            elif char in "\"'`":
                quote = char
            elif char in "{}":
                depth += 1 if char == "{" else -1
                if not depth:
                    return self.text[start + 1 : self.at - 1].strip()

    def _braced(self) -> Node:
        code = self._code()
        if code.startswith("#each "):
            found = re.fullmatch(r"#each (.+) as (\w+)(?:, (\w+))? \((.+)\)", code, re.DOTALL)
            if not found:
                raise ValueError(f"not an each: {code}")
            items, item, index, key = found.groups()
            node: Node = Each(False, items, item, index or "", key, self.children("{/each}"))
            self.at += len("{/each}")
        elif code.startswith("#if "):
            inside = self.children("{/if}")
            otherwise: list[Node] = []
            if self._here("{:else}"):
                self.at += len("{:else}")
                otherwise = self.children("{/if}")
            node = If(False, code[4:], inside, otherwise)
            self.at += len("{/if}")
        else:
            node = Code(False, code)
        return node

    def _element(self) -> Element:
        self.at += 1
        found = NAME.match(self.text, self.at)
        if not found:
            raise ValueError(f"no tag: {self.text[self.at : self.at + 40]!r}")
        node = Element(tag=found.group())
        self.at = found.end()
        while True:
            self.at += len(self.text[self.at :]) - len(self.text[self.at :].lstrip())
            if self._here("/>") or self._here(">"):
                closed = self._here("/>")
                self.at += 2 if closed else 1
                break
            node.attributes.append(self._attribute())
        if not closed and node.tag not in VOID:
            end = f"</{node.tag}>"
            node.children = self.children(end)
            self.at += len(end)
        return node

    def _attribute(self) -> Attribute:
        found = NAME.match(self.text, self.at)
        if not found:
            raise ValueError(f"no attribute: {self.text[self.at : self.at + 40]!r}")
        name, self.at = found.group(), found.end()
        if not self._here("="):
            return Attribute(name, bare=True)
        self.at += 1
        if self._here("{"):
            return Attribute(name, self._code(), code=True)
        end = self.text.index('"', self.at + 1)
        value, self.at = self.text[self.at + 1 : end], end + 1
        return Attribute(name, value)


def _edge(words: str) -> str:
    """The whitespace a text begins with, as one character: a line break, a space, or none."""
    space = words[: len(words) - len(words.lstrip())]
    return "\n" if "\n" in space else " " if space else ""
