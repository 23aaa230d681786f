"""HTML of a mail to text: what a reader sees, quoted mail marked with `>` as in plain text, and its links."""

from typing import Any, Final

from lxml import etree, html

MAX_HTML: Final = 2_000_000  # characters
MAX_QUOTES: Final = 20  # marks before a line; a quote in more quotes shows no more
_BLOCKS: Final = frozenset(
    [
        "address",
        "article",
        "aside",
        "br",
        "blockquote",
        "center",
        "dd",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "tbody",
        "tr",
        "ul",
    ]
)
_UNSEEN: Final = frozenset(["head", "title", "style", "script", "noscript", "template", "object", "iframe", "svg"])


def html_text(markup: str) -> str:
    """Return the text of a page; a line for each block, `> ` before what a `blockquote` holds.

    What a style hides is left out, as a reader never saw it. At most MAX_HTML characters are read; elements in more
    than some 2,000 others are no page any more, and read as nothing.
    """
    root = _parsed(markup)
    if root is None:
        return ""
    reading = _Reading()
    for event, node in etree.iterwalk(root, events=("start", "end", "comment", "pi")):
        if event == "start":
            reading.open(node)
        elif event == "end":
            reading.close(node)
        elif reading.skipped is None:
            reading.add(node.tail)
    return "\n".join(" ".join(line.split()) for line in reading.lines).strip()


class _Reading:
    """The lines read so far, the element whose inside is not seen, and how deep a quote is."""

    def __init__(self) -> None:
        self.lines = [""]
        self.skipped: Any = None
        self.depth = 0

    def open(self, node: Any) -> None:  # noqa: ANN401 (lxml has no types)
        if self.skipped is None and _is_unseen(node):
            self.skipped = node
        if self.skipped is not None:
            return
        self.depth += node.tag == "blockquote"
        if node.tag in _BLOCKS:
            self._break()
        if node.tag == "img":
            self.add(node.get("alt"))
        self.add(node.text, keep=node.tag == "pre")

    def close(self, node: Any) -> None:  # noqa: ANN401
        if self.skipped is None:
            self.depth -= node.tag == "blockquote"
            if node.tag in _BLOCKS:
                self._break()
            elif node.tag in ("td", "th"):
                self.add(" ")
        if self.skipped is None or self.skipped is node:
            self.skipped = None
            self.add(node.tail)

    def add(self, text: str | None, *, keep: bool = False) -> None:
        if not text:
            return
        parts = text.split("\n") if keep else [" ".join(text.split("\n"))]
        self.lines[-1] += parts[0]
        self.lines.extend(self._mark() + part for part in parts[1:])

    def _mark(self) -> str:
        return "> " * min(self.depth, MAX_QUOTES)

    def _break(self) -> None:
        mark = self._mark()
        if self.lines[-1].strip("> "):
            self.lines.append(mark)
        else:
            self.lines[-1] = mark


def html_links(markup: str) -> tuple[tuple[str, str], ...]:
    """Return the links of a page as (address, words that are shown), in their order; the words of the innermost one."""
    root = _parsed(markup)
    if root is None:
        return ()
    links: list[tuple[str, list[str]]] = []
    around: list[list[str]] = []
    for event, node in etree.iterwalk(root, events=("start", "end", "comment", "pi")):
        is_link = node.tag == "a" and node.get("href") is not None
        if is_link and event == "start":
            links.append((str(node.get("href")), []))
            around.append(links[-1][1])
        elif is_link:
            around.pop()
        if around:
            around[-1].append((node.text if event == "start" else node.tail) or "")
    return tuple((" ".join(address.split()), " ".join("".join(words).split())) for address, words in links)


def _parsed(markup: str) -> Any:  # noqa: ANN401 (lxml has no types)
    parser = html.HTMLParser(encoding="utf-8", recover=True, no_network=True, huge_tree=True)
    try:
        return html.document_fromstring(markup[:MAX_HTML].encode("utf-8", "replace"), parser=parser)
    except (etree.LxmlError, ValueError, AssertionError):
        return None


def _is_unseen(node: Any) -> bool:  # noqa: ANN401
    style = (node.get("style") or "").lower().replace(" ", "")
    return node.tag in _UNSEEN or "display:none" in style or "mso-hide:all" in style or node.get("hidden") is not None
