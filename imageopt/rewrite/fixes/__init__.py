"""Surgical fixes: one function for each rule, from a finding to span edits of the Dockerfile or a reason for none."""
