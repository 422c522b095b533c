"""The outside world, one thing each; its errors become ours at the edge."""
