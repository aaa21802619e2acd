"""The heatmap: which client obeys which parameter, at a glance; made of the clients."""

from typing import ClassVar

from statetrail.report.section import Section


class HeatmapSection(Section, frozen=True, kw_only=True):
    """Which client obeys which parameter; it has no part of its own in `audit.json`."""

    title: ClassVar = "Who obeys what"
