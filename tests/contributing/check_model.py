"""A model: weighed with the others, named where it fits, and told in the report."""

from random import Random

from contributing.checking import generated_files_are_current
from statetrail.report.audit import audit
from support.histories import Ex, recording, token, use

USES = 7


def history() -> list[Ex]:
    """Clients whose tokens end at their seventh use, whatever their pauses."""
    random, exchanges = Random(5), []
    for client in range(5):
        now, shown, number, uses = random.uniform(0, 1e6), "1", 0, USES
        for _ in range(120):
            if uses >= USES:
                number, uses = number + 1, 0
            value = f"token-{client}-{number}"
            exchanges.append(
                Ex(now - 9, now, now + 9, [token(value)], [use(shown)], client=f"c{client}",
                   path="/API/V3/Cart")
            )  # fmt: skip
            shown, uses, now = value, uses + 1, now + 1000 * random.lognormvariate(3, 1.5)
    return exchanges


generated_files_are_current()
document = audit(recording(history(), engine="pyarrow")).document
(row,) = document.expiry
assert row.policy == "use-count"
assert row.advice == "Count the uses of one token."
lifetime = next(answer for answer in document.answers if answer.id == "lifetime")
assert "ends after a fixed number of uses." in lifetime.statements[0].text
assert "use count" in [one.model for one in document.likelihoods]
