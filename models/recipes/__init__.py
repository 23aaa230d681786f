"""How the shipped weights are trained, with torch and the data that TRIAGE_DATA_DIR names; no part of the service."""
