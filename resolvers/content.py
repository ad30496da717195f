"""The text people write, as HTML that is safe to show (D23): CommonMark rendered once, at the write.

Markdown is parsed with raw HTML off, and what comes out is cut down to an allow-list all the same: two walls, because
one day somebody will lean on either.
"""

from typing import Final

import nh3
from markdown_it import MarkdownIt

_MARKDOWN = MarkdownIt("commonmark", {"html": False, "linkify": True, "breaks": True}).enable(
    ["table", "strikethrough", "linkify"]
)
_HEADINGS: Final = ("h1", "h2", "h3", "h4", "h5", "h6")
_TEXT: Final = ("p", "br", "hr", "em", "strong", "s", "code", "pre", "blockquote", "a")
_LISTS: Final = ("ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td")
TAGS: Final = frozenset((*_HEADINGS, *_TEXT, *_LISTS))
_ATTRIBUTES: Final = {"a": {"href", "title"}, "ol": {"start"}}
_SCHEMES: Final = {"http", "https", "mailto", "tel"}


def content_html(content: str) -> str:
    """The content as HTML. Images become nothing: a remote picture would tell its owner who reads the ticket."""
    return nh3.clean(
        _MARKDOWN.render(content),
        tags=set(TAGS),
        attributes=_ATTRIBUTES,
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer nofollow",
    ).strip()
