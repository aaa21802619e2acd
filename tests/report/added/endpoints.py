"""The endpoints with most exchanges: a section that a test adds to a copy of the package."""

from typing import Annotated, ClassVar, Self

import msgspec
from msgspec import Meta

from statetrail.report.counting import counted, ranked
from statetrail.report.section import Gathering, Section

HTML = """\
<section id="endpoints">
<h2>Busiest endpoints</h2>
<ul>
{% for one in section.endpoints %}
<li><code>{{ one.endpoint }}</code>: {{ plural(one.exchanges, "exchange") }}</li>
{% endfor %}
</ul>
</section>
"""
MARKDOWN = """\
### Busiest endpoints
{% for one in section.endpoints %}

- {{ one.endpoint | code }}: {{ plural(one.exchanges, "exchange") }}
{% endfor %}

"""


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint of any origin."""

    endpoint: str
    exchanges: int


class EndpointsSection(Section, frozen=True, kw_only=True):
    """The endpoints with most exchanges."""

    title: ClassVar = "Endpoints"
    templates: ClassVar = {"html.j2": HTML, "md.j2": MARKDOWN}

    endpoints: Annotated[tuple[Endpoint, ...], Meta(description="Busiest first")] = ()

    @classmethod
    def gather(cls, gathering: Gathering) -> Self:
        """From the exchanges."""
        rows = counted(gathering.recording.exchanges.lazy, "endpoint")
        busiest = ranked({row["endpoint"]: row["count"] for row in rows}, 3)
        return cls(endpoints=tuple(Endpoint(endpoint=e, exchanges=n) for e, n in busiest.items()))
