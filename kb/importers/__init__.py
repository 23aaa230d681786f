"""Brings what a city has already written into the knowledge base: one file a format, each the home of its libraries."""
