"""Fates: what each presented value met with: honoured, refused, replaced.

Enters: a part, and the lives of its values. Leaves: arrays with one entry per request and value
presented, for the lives of tokens and the causes of rotations.

Honoured or refused?
    A value is `honoured` when the response issues it again; or when the response is no error,
    issues no other, and the protocol does not put a value on every answer. A secret that is alone
    in its request is `refused` when it is not honoured and the status says so (`Dialect.refused`),
    unless the endpoint is known not to allow the parameter: then where it was sent is the trouble.
    It is `replaced` when the response issues another value of the parameter.
"""

from dataclasses import dataclass

import numpy as np

from statetrail.analyses.columnar.arrays import Bools
from statetrail.analyses.columnar.bucket import Part
from statetrail.analyses.columnar.dialect_masks import Rules, allowed, done, mute, secret
from statetrail.analyses.events.history import Lives


@dataclass(frozen=True, slots=True)
class Fates:
    """What each use of `Lives.uses` met with; `logout`: the request logged its client out."""

    honoured: Bools
    refused: Bools
    replaced: Bools
    logout: Bools


def fates(part: Part, rules: Rules, told: Lives) -> Fates:
    """The uses of a part's values with what they met."""
    exchanges, ex = part.exchanges, told.uses.ex
    param, where = part.series_param[told.uses.series], exchanges.where[ex]
    again, answered = told.uses.again, told.uses.answered
    status = exchanges.status[ex]
    moved_on = (status >= 200) & (status < 400)
    silent = ~answered & moved_on & mute(part, rules)[param]
    secrets = secret(part, rules)[param]
    alone = secrets & (np.bincount(ex[secrets], minlength=len(exchanges))[ex] == 1)
    return Fates(
        honoured=again | silent,
        refused=_refuses(part, rules, param, status)
        & ~again
        & alone
        & allowed(part, rules)[where, param],
        replaced=answered & ~again,
        logout=done(part, rules, "logout")[where, param] & exchanges.open[ex] & moved_on,
    )


def _refuses(part: Part, rules: Rules, param: np.ndarray, status: np.ndarray) -> Bools:
    """Whether the status refuses a token, as the dialect of each parameter has it."""
    refuses = np.zeros(len(param), dtype=np.bool_)
    for dialect in rules.dialects:
        own = np.array([name == dialect.name for name, _ in part.params], dtype=np.bool_)
        refuses |= own[param] & np.isin(status, dialect.refused)
    return refuses
