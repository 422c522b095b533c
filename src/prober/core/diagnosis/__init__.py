"""What `prober doctor` finds: of each thing it looks at, whether that is fine, and if not, what to do next."""

from prober.core.diagnosis.finding import Area, Finding, Judgement, count, exit_code, fine, note, rough, worst, wrong

__all__ = ["Area", "Finding", "Judgement", "count", "exit_code", "fine", "note", "rough", "worst", "wrong"]
