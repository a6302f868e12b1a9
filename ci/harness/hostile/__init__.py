"""`ci/hostile`: a server that gives hostile archives away, and the agent that unpacks them among canaries."""
