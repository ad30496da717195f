"""Whoever follows a link of the documentation gets somewhere: to a file that is committed."""

import re

from tests.structure.sources import ROOT, repository_files

LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)")
ELSEWHERE = ("://", "mailto:")


def test_every_link_leads_somewhere() -> None:
    files = repository_files()
    places = {*files, *(folder for path in files for folder in path.parents)}
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in files
        if page.suffix == ".md"
        for target in LINK.findall(page.read_text(encoding="utf-8"))
        if not any(each in target for each in ELSEWHERE) and (page.parent / target).resolve() not in places
    ]
    assert broken == []
