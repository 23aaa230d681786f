"""Measurements that anyone can repeat; each module prints its table."""
