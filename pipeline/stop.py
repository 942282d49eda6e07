"""The wish to stop: set by SIGINT or SIGTERM, seen by the sources of this process."""

import threading

STOP = threading.Event()
