"""What the mapping contract promises for one message, worked out a second time and plainly.

A reference interpreter: standard library only, no speed, no code shared with the product. Where
the product and this package disagree, one of the two has misread the contract.
"""

from tests.end_to_end.expectation.compare import canonical
from tests.end_to_end.expectation.interpreter import Expected, ExpectedOperation, expect
from tests.end_to_end.expectation.ulid import ulid_time_ms

__all__ = ["Expected", "ExpectedOperation", "canonical", "expect", "ulid_time_ms"]
