"""52eSELLER: ``X-Set-*`` state headers of the V3 API.

Rules S1-S6 of the protocol page; the source is the "V3 API state headers" article (01/03/2021).
"""

from typing import Final

from statetrail.dialects.model import Dialect, HeaderIssue, HeaderPresent, Param, QueryPresent

# Identifiers and switches: short enough that no token fits, so that a token sent by mistake under
# one of these names stays secret.
_CODE: Final = r"-?[0-9]{1,10}|[A-Za-z]{1,3}|[A-Za-z]{2,3}[-_][A-Za-z]{2}"
_SWITCH: Final = r"-?[0-9]{1,10}|(?ai:true|false|yes|no|on|off|none|always|never)"
_DATE: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"

ESELLER52: Final = Dialect(
    name="52eseller",
    title="52eSELLER V3 API state headers",
    scope=("v3",),
    params=(
        Param(name="LangId", clear=_CODE),
        Param(name="CounId", clear=_CODE),
        Param(name="CurrId", clear=_CODE),
        Param(name="LocId", clear=_CODE),
        Param(name="PriceListId", clear=_CODE),
        Param(name="PriceCalculationDate", clear=_DATE),
        Param(name="InventoryCheck", clear=_SWITCH),
        Param(name="CustomerId"),
        Param(name="SalesPersonId"),
        Param(name="VisitorId"),
        Param(name="Ticket"),
        Param(name="Authentication", only_on=("baskets", "favorites", "orders")),
    ),
    issues=(HeaderIssue(prefix="x-set-"),),
    presents=(HeaderPresent(prefix="x-"), QueryPresent(case_sensitive=False)),
    cart=("baskets",),
    references=("52eSELLER: V3 API state headers (01/03/2021)",),
)
