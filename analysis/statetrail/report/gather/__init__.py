"""From result frames to the sections of the audit: what is counted, capped and put in order.

Enters: a `Recording` and its results. Leaves: a `Document`.
"""

from statetrail.report.gather.document import gather

__all__ = ["gather"]
