"""Acceptance: what each presented value met with: honoured, refused, replaced.

Enters: a bucket, and the history of its values. Leaves: arrays with one entry per request and value
presented, for the lives of tokens and the causes of rotations.

Honoured or refused?
    A value is `honoured` when the response issues it again; or when the response is no error,
    issues no other, and the protocol does not put a value on every answer. A secret that is alone
    in its request is `refused` when it is not honoured and the status says so (`Dialect.refused`),
    unless the endpoint is known not to allow the parameter: then the place is what is wrong.
    It is `replaced` when the response issues another value of the parameter, and tells.

Which responses tell?
    What an error or a cached page issues may be anyone's (rule L8). The status of a refusal says
    itself what became of the value, and a redirect is how many servers answer one that has ended.
"""

from dataclasses import dataclass

import numpy as np

from statetrail.analyses.columnar.arrays import Bools, Ints
from statetrail.analyses.columnar.bucket import Bucket
from statetrail.analyses.columnar.dialect_masks import (
    acting,
    allowed,
    may_be_silent,
    refuses,
    secret,
)
from statetrail.analyses.events.history import History


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What each use of `History.uses` met with; `logout`: the request logged its client out."""

    honoured: Bools
    refused: Bools
    replaced: Bools
    logout: Bools


def tells(bucket: Bucket, exchange: Ints, param: Ints) -> Bools:
    """Whether another value in each of these responses says that the presented one has ended."""
    exchanges, status = bucket.exchanges, bucket.exchanges.status[exchange]
    redirects = (status >= 300) & (status < 400)
    result: Bools = exchanges.binding[exchange] | redirects | refuses(bucket, param, status)
    return result


def acceptance(bucket: Bucket, history: History) -> Acceptance:
    """What the uses of a bucket's values met with."""
    exchanges, uses = bucket.exchanges, history.uses
    exchange = uses.exchange
    param, endpoint = bucket.series_param[uses.series], exchanges.endpoint[exchange]
    status = exchanges.status[exchange]
    succeeded = (status >= 200) & (status < 400)
    silent = ~uses.answered & succeeded & may_be_silent(bucket)[param]
    secrets = secret(bucket)[param]
    alone = secrets & (np.bincount(exchange[secrets], minlength=len(exchanges))[exchange] == 1)
    refused = refuses(bucket, param, status) & ~uses.again & alone
    logout = acting(bucket, "logout")[endpoint, param] & exchanges.open[exchange] & succeeded
    return Acceptance(
        honoured=uses.again | silent,
        refused=refused & allowed(bucket)[endpoint, param],
        replaced=uses.answered & ~uses.again & tells(bucket, exchange, param),
        logout=logout,
    )
