"""Archives by the byte: what tars and droplets are made of, and all that is hostile, each with what has to become of it."""
