"""The signing agent: it holds unlocked keys for processes on the same machine, and lets each do what a policy says."""
