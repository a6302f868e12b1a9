"""No Python: the python buildpack cannot compile this, so the builder ends with 223."""

def broken(:
    pass
