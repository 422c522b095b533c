"""Keep the state on a branch of a repository, by git's plumbing alone: nobody's checkout or index is touched."""

from prober.adapters.git.branch import Snapshot, StateBranch
from prober.adapters.git.remote import find_remote
from prober.adapters.git.trouble import Rejected
from prober.errors import GitError

__all__ = ["GitError", "Rejected", "Snapshot", "StateBranch", "find_remote"]
