"""ZEST: a session token in the query string, issued on the XML response's root element.

Rules Z1-Z8 of the protocol page; the source is Zeald's "Session handling" text.
"""

from typing import Final

from statetrail.dialects.model import Dialect, Param, QueryPresent, XmlRootIssue

ZEST: Final = Dialect(
    name="zest",
    title="ZEST Ecommerce API sessions",
    scope=("API", "V3"),
    params=(Param(name="_session_token", establish="1", minted=True),),
    issues=(
        XmlRootIssue(
            attribute="session", param="_session_token", usage="uriquery", priority="forced"
        ),
    ),
    presents=(QueryPresent(),),
    cart=("cart",),
    references=("ZEST Ecommerce API: Session handling",),
)
