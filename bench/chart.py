"""The results as a drawing: a group of bars for each workload, a bar for each peer, requests/s on a logarithmic scale."""

import math
from collections.abc import Sequence
from html import escape
from typing import Final

from bench.peers import PEERS
from bench.report import ENGINE_NAMES
from bench.run import Figure

COLORS: Final = ("#1b7f5c", "#7cc4a8", "#b23a48", "#e08d79", "#4a6fa5", "#8d8d8d")
WIDTH: Final = 860
LABELS: Final = 130
BAR: Final = 14
GAP: Final = 12
FONT: Final = 'font-family="system-ui, sans-serif" font-size="12"'


def svg(figures: Sequence[Figure]) -> str:
    """The drawing, one panel for each database; readable on light and on dark pages."""
    databases = list(dict.fromkeys((each.engine, each.tickets) for each in figures))
    most = max((each.median.requests_per_s for each in figures), default=1)
    body, y = [_legend(figures)], 40
    for engine, tickets in databases:
        panel = [each for each in figures if (each.engine, each.tickets) == (engine, tickets)]
        body.append(
            _text(
                8,
                y + 16,
                f"{ENGINE_NAMES[engine]}, {tickets:,} tickets: requests/s, on a logarithmic scale",
                weight="bold",
            )
        )
        y += 28
        for workload in dict.fromkeys(each.workload for each in panel):
            group = [each for each in panel if each.workload == workload]
            body.append(_text(LABELS - 8, y + 11, workload, anchor="end"))
            for place, each in enumerate(group):
                body.append(_bar(each, y + place * BAR, most))
            y += len(group) * BAR + GAP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" role="img" {FONT}>\n'
        f"<title>Requests per second by workload and peer</title>\n"
        f'<rect width="100%" height="100%" fill="#ffffff"/>\n' + "\n".join(body) + "\n</svg>\n"
    )


def _legend(figures: Sequence[Figure]) -> str:
    parts, x = [], 8
    there = {each.peer for each in figures}
    for peer, color in zip(PEERS, COLORS, strict=True):
        if peer.name in there:
            parts.append(f'<rect x="{x}" y="12" width="12" height="12" fill="{color}"/>')
            parts.append(_text(x + 17, 22, peer.title))
            x += 30 + 7 * len(peer.title)
    return "\n".join(parts)


def _bar(each: Figure, y: int, most: float) -> str:
    rate = each.median.requests_per_s
    # from 1 request a second: half as long is a tenth of a tenth, and both ends can be read
    length = round((WIDTH - LABELS - 70) * math.log10(max(rate, 1)) / math.log10(max(most, 10)), 1)
    color = COLORS[[peer.name for peer in PEERS].index(each.peer)]
    bar = f'<rect x="{LABELS}" y="{y}" width="{length}" height="{BAR - 2}" fill="{color}"/>'
    return bar + _text(round(LABELS + length + 6), y + 10, f"{rate:,.0f}")


def _text(x: int, y: int, words: str, anchor: str = "start", weight: str = "normal") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-weight="{weight}" fill="#222222">{escape(words)}</text>'
