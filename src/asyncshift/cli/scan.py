"""`asyncshift scan`: is it worth it, and what waits where."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from asyncshift.cli.options import Format, FormatOption, PathList, given
from asyncshift.config import Config

if TYPE_CHECKING:
    from asyncshift.pages import Page, Pages


def scan(
    paths: PathList = None,
    *,
    format: FormatOption = Format.TEXT,
    config: Config,
) -> None:
    """Say whether async is worth it: what blocks, and from where it is reached."""
    from asyncshift.cli import terminal
    from asyncshift.pages import Pages

    places = given(paths)
    pages = Pages.for_command(("scan", format, *terminal.colours()), places, config)
    page = pages.get() if pages is not None else None
    if page is None:
        page = _page(places, format, config, pages)
    terminal.write(page.out)
    terminal.write(page.error, error=True)


def _page(paths: list[Path], format: Format, config: Config, pages: Pages | None) -> Page:
    """The result, made anew and kept where pages are."""
    from asyncshift import pipeline
    from asyncshift.cli import terminal
    from asyncshift.pages import Page
    from asyncshift.report.scan import scan_report
    from asyncshift.report.scan_text import scan_json, scan_text
    from asyncshift.report.warnings import warnings_text

    with terminal.progress() as progress:
        survey = pipeline.survey(paths, config, progress)
    report = scan_report(survey.project, survey.graph, survey.registry)
    out = (
        scan_json(report) + "\n" if format is Format.JSON else terminal.rendered(scan_text(report))
    )
    page = Page(out, terminal.rendered(warnings_text(survey.messages), error=True))
    if pages is not None:
        pages.put(page, [(file.path, file.digest) for file in survey.project.files])
    return page
