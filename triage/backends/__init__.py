"""The systems that a city has already: what each is told of a decision, in its own codes and its own words."""
