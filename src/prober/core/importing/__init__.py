"""What UptimeRobot watches, as probes of our own: what carries over, what does not and why, which secrets it takes."""
