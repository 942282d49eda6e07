"""What a worker does with a job's graph before any record comes: it builds every function of it.

Run by itself, with nothing of this repository on its path: python -I worker.py PIPELINE_PB...
Prints JSON: for each graph the name of each step, and of the program's module -> the file that its
code is from.
"""

import importlib
import inspect
import json
import sys
from pathlib import Path

from apache_beam.internal import pickler
from apache_beam.portability import common_urns
from apache_beam.portability.api import beam_runner_api_pb2 as api
from apache_beam.runners.pipeline_context import PipelineContext


def origins(graph: api.Pipeline) -> dict[str, str]:
    """Step or module -> file."""
    module = importlib.import_module("pipeline.main")
    found = {module.__name__: str(module.__file__)}
    for step in graph.components.transforms.values():
        if step.spec.urn == common_urns.primitives.PAR_DO.urn:
            payload = api.ParDoPayload.FromString(step.spec.payload)
            function, *_others = pickler.loads(payload.do_fn.payload)
            found[step.unique_name] = inspect.getfile(type(function))
    coders = PipelineContext(graph.components).coders
    for name in graph.components.coders:
        coders.get_by_id(name)
    return found


if __name__ == "__main__":
    graphs = [api.Pipeline.FromString(Path(path).read_bytes()) for path in sys.argv[1:]]
    print(json.dumps([origins(graph) for graph in graphs]))
