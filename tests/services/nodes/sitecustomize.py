"""Gives the processes of one of several nodes on this machine a host name of their own, as real nodes have.

Python imports it by itself where this folder is in PYTHONPATH.
"""

import os
import socket

if "NODE_NAME" in os.environ:
    socket.gethostname = lambda: os.environ["NODE_NAME"]
