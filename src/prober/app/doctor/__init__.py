"""Look at everything that prober needs for its work; what `prober doctor` does.

All that may take its time is looked at side by side, and under a deadline of its own: a name server, a mail server and
a disk that hang together cost no more than the slowest of them.
"""

from prober.app.doctor.examination import Subject, examine

__all__ = ["Subject", "examine"]
