"""Learned parts, behind the protocols of `triage.protocols`."""
