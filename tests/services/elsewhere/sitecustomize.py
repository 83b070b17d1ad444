"""Makes a Python process, and those it starts, one of another machine, whose clock differs. Loaded by Python itself.

``REPOSE_TEST_MACHINE=name:seconds``: what the machine is called and by how much its clock is ahead. Signs of life
come more often than they do, so that tests needn't wait for minutes.
"""

import os
import socket
import time

name, _, ahead = os.environ.get("REPOSE_TEST_MACHINE", "").partition(":")
if name:
    real, real_ns, seconds = time.time, time.time_ns, float(ahead)
    time.time = lambda: real() + seconds
    time.time_ns = lambda: real_ns() + round(seconds * 1e9)
    socket.gethostname = lambda: name

    from harness.tracking import logger, owner

    owner.SILENCE, logger.BEAT = 12.0, 1.0
