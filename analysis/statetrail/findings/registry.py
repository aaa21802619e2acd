"""The one list of rules. A rule that is not here does not exist."""

from typing import Final

from statetrail.findings.rule import Rule
from statetrail.findings.rules import (
    age_limit_exceeded,
    authentication_not_allowed,
    basket_state_by_context,
    cart_lost,
    clock_steps,
    declared_lifetime_exceeded,
    forced_value_changed,
    forced_value_defied,
    idle_limit_exceeded,
    implicit_set,
    left_truncated,
    malformed_state_header,
    no_limit_seen,
    no_response,
    override_fought,
    plain_http,
    session_reset,
    session_restarted,
    stale_value,
    state_cacheable,
    state_contradictory,
    state_flapping,
    state_header_not_exposed,
    state_not_implemented,
    state_omitted,
    superseded_honoured,
    token_dropped,
    token_guessable,
    token_handed_twice,
    token_in_url,
    token_kept_after_reset,
    token_kept_at_login,
    token_leaked,
    token_shared,
    too_little_evidence,
    value_mangled,
    wrong_channel,
)

RULES: Final[tuple[Rule, ...]] = tuple(
    module.RULE
    for module in (
        age_limit_exceeded,
        authentication_not_allowed,
        basket_state_by_context,
        cart_lost,
        clock_steps,
        declared_lifetime_exceeded,
        forced_value_changed,
        forced_value_defied,
        idle_limit_exceeded,
        implicit_set,
        left_truncated,
        malformed_state_header,
        no_limit_seen,
        no_response,
        override_fought,
        plain_http,
        session_reset,
        session_restarted,
        stale_value,
        state_cacheable,
        state_contradictory,
        state_flapping,
        state_header_not_exposed,
        state_not_implemented,
        state_omitted,
        superseded_honoured,
        token_dropped,
        token_guessable,
        token_handed_twice,
        token_in_url,
        token_kept_after_reset,
        token_kept_at_login,
        token_leaked,
        token_shared,
        too_little_evidence,
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
