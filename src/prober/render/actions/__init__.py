"""What a job shows of itself: a summary, annotations, a log without commands, and the page of its branch."""

from prober.render.actions.commands import annotate, complain, defused
from prober.render.actions.readme import branch_readme
from prober.render.actions.summary import refusal, step_summary

__all__ = ["annotate", "branch_readme", "complain", "defused", "refusal", "step_summary"]
