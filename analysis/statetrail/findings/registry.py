"""The one list of rules. A rule that is not here does not exist."""

from typing import Final

from statetrail.findings.rule import Rule
from statetrail.findings.rules import (
    authentication_not_allowed,
    basket_state_by_context,
    cart_lost,
    forced_value_defied,
    implicit_set,
    malformed_state_header,
    override_fought,
    session_reset,
    session_restarted,
    stale_value,
    state_header_not_exposed,
    state_not_implemented,
    state_omitted,
    token_dropped,
    token_leaked,
    token_shared,
    value_mangled,
    wrong_channel,
)

RULES: Final[tuple[Rule, ...]] = tuple(
    module.RULE
    for module in (
        authentication_not_allowed,
        basket_state_by_context,
        cart_lost,
        forced_value_defied,
        implicit_set,
        malformed_state_header,
        override_fought,
        session_reset,
        session_restarted,
        stale_value,
        state_header_not_exposed,
        state_not_implemented,
        state_omitted,
        token_dropped,
        token_leaked,
        token_shared,
        value_mangled,
        wrong_channel,
    )
)


def rule(rule_id: str) -> Rule:
    """The rule of that id; `KeyError` for an unknown one."""
    for one in RULES:
        if one.id == rule_id:
            return one
    raise KeyError(f"no rule is named {rule_id!r}: choose from {', '.join(r.id for r in RULES)}")
