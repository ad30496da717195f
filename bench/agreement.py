"""Whether all peers answer the same data, seen before anything is measured: nobody is fast by leaving something out.

Answers are compared as JSON, made alike in what each may spell its own way: ids, the case of enum values, cursors, the
form of instants, big numbers as text, and the two counts of replies that PostGraphile reads off their columns.
"""

import datetime as dt
import json
import re
from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any, Final

import httpx

from bench.helpdesks import Sample
from bench.peers import Server
from bench.workloads import WRITES, Request, requests

COMPARED: Final = 8
"""Requests of each workload."""
CLIENT: Final = httpx.Client(timeout=60)
"""One for all: a new one reads certificates for longer than most answers take."""
_ID: Final = re.compile(r"(?:[a-z]{3}_)?([0-9]+)", re.ASCII)
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)", re.ASCII)
_CURSORS: Final = ("startCursor", "endCursor", "cursor")
_WORDS: Final = ("status", "priority", "type")


class Disagreement(Exception):
    """A peer answers something else."""


def check(workload: str, sample: Sample, servers: Sequence[Server]) -> dict[str, int]:
    """See that the servers agree on the first requests of the workload; the mean bytes of an answer, by peer.

    Raises Disagreement. Writes and tokens are not compared, only seen to succeed: each writes rows of its own.
    """
    sizes = {}
    expected: list[Any] = []
    for server in servers:
        asked = requests(workload, server.peer.dialect(workload), sample)[:COMPARED]
        answers = [answer(server, each) for each in asked]
        sizes[server.peer.name] = round(mean(len(each.content) for each in answers))
        if workload in (*WRITES, "token"):
            continue
        found = [alike(each.json()) for each in answers]
        expected = expected or found
        for request, ours, theirs in zip(asked, expected, found, strict=True):
            if difference := first_difference(ours, theirs):
                raise Disagreement(f"{workload}: {server.peer.title} on {request.path}: {difference}")
    return sizes


def answer(server: Server, request: Request) -> httpx.Response:
    """The answer of a server. Raises Disagreement when it is a refusal."""
    headers = {**server.headers, **request.headers, "accept-encoding": "identity"}
    found = CLIENT.request(request.method, server.base + request.path, json=request.body, headers=headers)
    if found.is_error or (isinstance(found.json(), dict) and found.json().get("errors")):
        raise Disagreement(
            f"{server.peer.title} refuses {request.path}: {found.status_code} {found.text[:300]}"
        )
    return found


def alike(body: Any) -> Any:
    """The answer in the spelling in which all are compared."""
    if isinstance(body, dict) and "extensions" in body:
        body = {name: value for name, value in body.items() if name != "extensions"}
    return _alike("", body)


def _alike(name: str, value: Any) -> Any:
    if isinstance(value, dict):
        return _object(value)
    if isinstance(value, list):
        return [_alike(name, each) for each in value]
    return _text(name, value) if isinstance(value, str) else value


def _text(name: str, text: str) -> Any:
    if name in _CURSORS:
        return "a cursor"
    if name == "id" and (found := _ID.fullmatch(text)):
        return int(found[1])
    if _MOMENT.fullmatch(text):
        return dt.datetime.fromisoformat(text).isoformat()
    return text.lower() if name in _WORDS else text


def _object(value: Mapping[str, Any]) -> Any:
    made = {name: _alike(name, each) for name, each in value.items() if name != "databaseId"}
    if "internalNoteCount" in made:
        made["replyCount"] += made.pop("internalNoteCount")
    if isinstance(
        made.get("ticketCount"), dict
    ):  # nor is there a column to read how many an organization has
        made["ticketCount"] = made["ticketCount"]["totalCount"]
    if isinstance(made.get("attachments"), dict):  # they are no page here
        made["attachments"] = made["attachments"]["nodes"]
    made.pop("url", None)  # which no table has
    if isinstance(made.get("watchers"), dict):  # PostGraphile leads to them by way of the table between
        made["watchers"] = [each["user"] for each in made["watchers"]["nodes"]]
    return made


def first_difference(ours: Any, theirs: Any, place: str = "") -> str | None:
    """Where two answers differ first, and how; None when they do not."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        if ours.keys() != theirs.keys():
            return f"{place}: {sorted(ours.keys() ^ theirs.keys())} are only in one of them"
        found = (first_difference(ours[name], theirs[name], f"{place}.{name}") for name in ours)
        return next(filter(None, found), None)
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        pairs = enumerate(zip(ours, theirs, strict=True))
        found = (first_difference(each, other, f"{place}[{index}]") for index, (each, other) in pairs)
        return next(filter(None, found), None)
    return None if ours == theirs else f"{place}: {json.dumps(ours)[:120]} is not {json.dumps(theirs)[:120]}"
