"""Sample traffic: what Amplitude could send to Pub/Sub, clean and troubled, out of a seed.

People, companies and events are invented; addresses are of example.com.
"""

from pipeline.local.traffic.generator import CLEAN_LABELS, Sample, generate
from pipeline.local.traffic.message import API_KEY
from pipeline.local.traffic.trouble import CASES

TROUBLE_LABELS = tuple(CASES)

__all__ = ["API_KEY", "CLEAN_LABELS", "TROUBLE_LABELS", "Sample", "generate"]
