"""Watching from a job that nothing outlives: what is known lies on a branch, between one job and the next.

Load the state, check, judge, confirm inside the run, save the intent to tell, tell, save that it was told. Whatever
ends the job in between, the next one finds what was to be told, and tells it under the same Message-ID.
"""
