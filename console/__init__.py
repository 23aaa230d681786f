"""The agents' page: plain HTML, CSS and ES modules; a package only so that `importlib.resources` finds its folder."""
