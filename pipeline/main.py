"""The program that runs the job: `python -m pipeline.main`. Nothing else may live here, because
what is pickled from __main__ does not exist on a worker.
"""

from pipeline.launch import main

if __name__ == "__main__":
    raise SystemExit(main())
